import type { MongoDBTx } from '@waybill/mongodb';
import { Long } from 'mongodb';
import type { ClientSession, Db } from 'mongodb';
import type { OrderTotals } from '../follow/order-totals.js';
import { PAYLOAD } from '../order.js';

export const ORDER_TOTALS = 'order_totals';
export const PLACE_BY_HAND = 'place_by_hand';

export function orderTotals(db: Db): OrderTotals<MongoDBTx> {
  const totals = db.collection<{ _id: string; orders: number }>(ORDER_TOTALS);
  const place = db.collection<{ _id: string; position: Long }>(PLACE_BY_HAND);
  const addIn = (stream: string, session: ClientSession): Promise<unknown> =>
    totals.updateOne({ _id: stream }, { $inc: { orders: 1, cents: PAYLOAD.totalCents } }, { upsert: true, session });
  return {
    add: (stream, { session }) => addIn(stream, session),
    counts: async () => (await totals.find({}, { projection: { orders: 1 } }).toArray()).map(({ orders }) => orders),
    commitByHand: (streams, position) =>
      db.client.withSession((session) =>
        session.withTransaction(async () => {
          for (const stream of streams) await addIn(stream, session);
          await place.updateOne({ _id: 'totals' }, { $set: { position: Long.fromBigInt(position) } }, { upsert: true, session });
        }),
      ),
    async placeByHand() {
      const found = await place.findOne({ _id: 'totals' }, { promoteLongs: false });
      return found?.position.toBigInt();
    },
  };
}
