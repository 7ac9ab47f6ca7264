import { OutboxHandler } from '@waybill/core';
import type { HandlerContext, Message } from '@waybill/core';
import type { PostgresTx } from '@waybill/postgres';
import { OrderPlaced } from './order.js';

// #region handler
export class Shipping {
  readonly customers = new Set(['c-1']);

  @OutboxHandler(OrderPlaced, { name: 'ship-order' })
  async onPlaced({ stream, data }: Message<OrderPlaced>, { tx }: HandlerContext<PostgresTx>): Promise<void> {
    if (!this.customers.has(data.customerId)) throw new Error(`customer ${data.customerId} has no address`);
    await tx.query('insert into shipment values ($1)', [stream]);
  }
}
// #endregion
