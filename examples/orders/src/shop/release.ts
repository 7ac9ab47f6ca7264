import { OutboxHandler } from '@waybill/core';
import type { HandlerContext, Message } from '@waybill/core';
import { ShipOrder } from '../messages.js';
import { Order } from './order.js';

/** Lets an order go to the shipping service, which follows the orders in EventStoreDB. */
export class Release {
  @OutboxHandler(ShipOrder, { name: 'release-order' })
  async release({ data }: Message<ShipOrder>, { load }: HandlerContext<unknown>): Promise<void> {
    (await load(Order, data.orderId)).release();
  }
}
