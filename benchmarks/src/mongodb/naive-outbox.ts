import { ObjectId } from 'mongodb';
import type { Db } from 'mongodb';
import type { NaiveOutbox } from '../naive-outbox.js';
import { PAYLOAD } from '../order.js';
import type { OrderDocument } from './order-list.js';

interface NaiveMessage {
  readonly _id: ObjectId;
  readonly stream: string;
  readonly type: string;
  readonly payload: typeof PAYLOAD;
  readonly createdAt: Date;
}

/** Numbered by ObjectIds, which grow with the clock and a counter of the writer. */
export function naiveOutbox(db: Db): NaiveOutbox {
  const messages = db.collection<NaiveMessage>('naive_outbox');
  return {
    commit: async (id, stream = `order-${id}`, beforeCommit) => {
      await db.client.withSession((session) =>
        session.withTransaction(async () => {
          await db.collection<OrderDocument>('order_list').insertOne({ _id: id, ...PAYLOAD }, { session });
          const message = { _id: new ObjectId(), stream, type: 'OrderPlaced', payload: PAYLOAD, createdAt: new Date() };
          await messages.insertOne(message, { session });
          await beforeCommit?.();
        }),
      );
    },
    after: async (last) => {
      const filter = last === undefined ? {} : { _id: { $gt: new ObjectId(last) } };
      const found = await messages
        .find(filter, { projection: { _id: 1 } })
        .sort({ _id: 1 })
        .limit(1_000)
        .toArray();
      return found.map(({ _id }) => _id.toHexString());
    },
    count: () => messages.countDocuments(),
  };
}
