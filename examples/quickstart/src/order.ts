import { AggregateRoot, defineEvent, projector } from '@waybill/core';
import type { EventOf } from '@waybill/core';
import type { PostgresTx } from '@waybill/postgres';
import { z } from 'zod';

// #region events
export const OrderPlaced = defineEvent('OrderPlaced', z.object({ customerId: z.string(), totalCents: z.number().int() }));
export const OrderCancelled = defineEvent('OrderCancelled', z.object({ reason: z.string() }));
export type OrderPlaced = EventOf<typeof OrderPlaced>;
export type OrderCancelled = EventOf<typeof OrderCancelled>;
// #endregion

// #region aggregate
export class Order extends AggregateRoot<OrderPlaced | OrderCancelled> {
  readonly stream: string;
  #status: 'draft' | 'placed' | 'cancelled' = 'draft';

  constructor(id: string) {
    super();
    this.stream = `order-${id}`;
  }

  place(customerId: string, totalCents: number): void {
    if (this.#status !== 'draft') throw new Error(`Order is already ${this.#status}.`);
    this.emit(OrderPlaced({ customerId, totalCents }));
  }

  cancel(reason: string): void {
    if (this.#status === 'placed') this.emit(OrderCancelled({ reason }));
  }

  protected override apply(event: OrderPlaced | OrderCancelled): void {
    this.#status = event.type === 'OrderPlaced' ? 'placed' : 'cancelled';
  }
}
// #endregion

// #region projector
export const orderList = projector<PostgresTx>('order-list')
  .on(OrderPlaced, ({ stream, data }, { tx }) => tx.query('insert into order_list values ($1, $2)', [stream, data.totalCents]))
  .on(OrderCancelled, ({ stream }, { tx }) => tx.query('delete from order_list where stream = $1', [stream]));
// #endregion
