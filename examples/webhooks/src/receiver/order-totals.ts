import { InboxHandler } from '@waybill/core';
import type { HandlerContext, Message } from '@waybill/core';
import type { MongoDBTx } from '@waybill/mongodb';
import type { Db } from 'mongodb';
import { OrderCancelled, OrderChanged, OrderPlaced, totalAfter } from '../order-events.js';
import type { OrderEvent } from '../order-events.js';

interface OrderDocument {
  readonly _id: string;
  readonly totalCents: number;
}

export interface CustomerDocument {
  readonly _id: string;
  readonly orders: number;
  readonly messages: number;
  readonly totalCents: number;
}

// #region handler
/** Keeps what each customer has ordered. The sums, and that the message was handled, are one transaction. */
export class OrderTotals {
  @InboxHandler([OrderPlaced, OrderChanged, OrderCancelled], { name: 'order-totals' })
  async onOrder(event: Message<OrderEvent>, { tx }: HandlerContext<MongoDBTx>): Promise<void> {
    const [id, totalCents] = [event.stream, totalAfter(event)];
    const { db, session } = tx;
    const orders = db.collection<OrderDocument>('orders');
    const before = await orders.findOneAndUpdate({ _id: id }, { $set: { totalCents } }, { upsert: true, session });

    const customers = db.collection<CustomerDocument>('customers');
    const change = { orders: before ? 0 : 1, messages: 1, totalCents: totalCents - (before?.totalCents ?? 0) };
    await customers.updateOne({ _id: event.data.customerId }, { $inc: change }, { upsert: true, session });
  }
}
// #endregion

export async function createOrderTotals(db: Db): Promise<void> {
  await db.createCollection('orders');
  await db.createCollection('customers');
}
