import { InboxHandler } from '@waybill/core';
import type { HandlerContext, Message } from '@waybill/core';
import { OrderReleased } from '../messages.js';
import { Parcel } from './parcel.js';

/** Of this item there is none left. */
export const SOLD_OUT = 'a book that is sold out';

/** Writes the label of a parcel, which then goes out of the house. */
export type WriteLabel<Tx> = (orderId: string, tx: Tx) => Promise<unknown>;

// #region warehouse
/** Ships what is paid. The label, what is told of the parcel, and the place in the event store are one transaction. */
export class Warehouse<Tx> {
  constructor(private readonly writeLabel: WriteLabel<Tx>) {}

  @InboxHandler(OrderReleased, { name: 'warehouse' })
  async onReleased({ data: { orderId, item } }: Message<OrderReleased>, { tx, track }: HandlerContext<Tx>): Promise<void> {
    const parcel = track(new Parcel(orderId));
    if (item === SOLD_OUT) return parcel.refuse('sold out');
    await this.writeLabel(orderId, tx);
    parcel.ship();
  }
}
// #endregion
