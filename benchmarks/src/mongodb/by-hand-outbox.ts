import { randomUUID } from 'node:crypto';
import { laneOf, streamHash } from '@waybill/core';
import { Timestamp } from 'mongodb';
import type { Db } from 'mongodb';
import { PAYLOAD } from '../order.js';
import type { OrderDocument } from './order-list.js';

const LANES = 16;

/** Into the same collections with the same indexes: projection, head and message. */
export async function commitByHand(db: Db, id: string): Promise<void> {
  const stream = `order-${id}`;
  const messageId = randomUUID();
  await db.client.withSession((session) =>
    session.withTransaction(async () => {
      await db.collection<OrderDocument>('order_list').insertOne({ _id: id, ...PAYLOAD }, { session });
      const { upsertedCount } = await db
        .collection<{ _id: string; revision: bigint }>('waybill_streams')
        .updateOne({ _id: stream, revision: { $exists: false } }, { $set: { revision: 0n } }, { upsert: true, session });
      if (upsertedCount !== 1) throw new Error(`${stream} exists already`);
      await db.collection<{ _id: { stream: string; revision: bigint } }>('waybill_outbox').insertOne(
        {
          ...{ _id: { stream, revision: 0n }, id: messageId, lane: laneOf(streamHash(stream), LANES), kind: 'event', type: 'OrderPlaced' },
          ...{ schemaVersion: 1, codec: 'json', payload: JSON.stringify(PAYLOAD) },
          ...{ metadata: JSON.stringify({ correlationId: messageId }), aggregate: { type: 'Order', id } },
          ...{ occurredAt: new Date(), at: new Timestamp(0n), pending: true },
        },
        { session },
      );
    }),
  );
}
