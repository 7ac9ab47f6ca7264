import { Projection, ProjectionHandler } from '@waybill/core';
import type { Message, ProjectionContext } from '@waybill/core';
import type { MongoDBTx } from '@waybill/mongodb';
import type { Collection } from 'mongodb';
import { OrderCancelled, OrderPlaced, OrderReleased, OrderShipped } from '../messages.js';

export interface OrderDocument {
  readonly _id: string;
  readonly totalCents: number;
  readonly status: string;
  readonly reason: string | null;
}

/** The list of orders, as people read it. */
@Projection({ name: 'order-list' })
export class MongoDBOrderList {
  @ProjectionHandler(OrderPlaced)
  async onPlaced({ data }: Message<OrderPlaced>, context: ProjectionContext<MongoDBTx>): Promise<void> {
    const { orderId, totalCents } = data;
    await this.#orders(context).insertOne({ _id: orderId, totalCents, status: 'placed', reason: null }, { session: context.tx.session });
  }

  @ProjectionHandler([OrderReleased, OrderShipped, OrderCancelled])
  async onChanged(
    { type, data }: Message<OrderReleased | OrderShipped | OrderCancelled>,
    context: ProjectionContext<MongoDBTx>,
  ): Promise<void> {
    const $set = { status: statusAfter[type], reason: 'reason' in data ? data.reason : null };
    await this.#orders(context).updateOne({ _id: data.orderId }, { $set }, { session: context.tx.session });
  }

  #orders({ tx, generation }: ProjectionContext<MongoDBTx>): Collection<OrderDocument> {
    return tx.db.collection<OrderDocument>(`order_list_${generation}`);
  }
}

const statusAfter = { OrderReleased: 'released', OrderShipped: 'shipped', OrderCancelled: 'cancelled' };
