import { AggregateRoot, defineEvent } from '@waybill/core';
import type { EventOf } from '@waybill/core';
import { z } from 'zod';

export const OrderPlaced = defineEvent('OrderPlaced', z.object({ customerId: z.string(), totalCents: z.number().int() }));
export const OrderCancelled = defineEvent('OrderCancelled', z.object({ reason: z.string() }));

type OrderEvent = EventOf<typeof OrderPlaced | typeof OrderCancelled>;

/** The aggregate of the README's samples. */
export class Order extends AggregateRoot<OrderEvent> {
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
    if (this.#status === 'cancelled') return;
    this.emit(OrderCancelled({ reason }));
  }

  protected override apply(event: OrderEvent): void {
    this.#status = event.type === 'OrderPlaced' ? 'placed' : 'cancelled';
  }
}
