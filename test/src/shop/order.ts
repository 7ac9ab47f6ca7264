import { AggregateRoot, defineCommand, defineEvent } from '@waybill/core';
import type { EventOf } from '@waybill/core';
import { z } from 'zod';

export const OrderPlaced = defineEvent('OrderPlaced', z.object({ customerId: z.string(), totalCents: z.number().int() }));
export const OrderNoted = defineEvent('OrderNoted', z.object({ text: z.string() }));
export const OrderCancelled = defineEvent('OrderCancelled', z.object({ reason: z.string() }));
export const ChargeCard = defineCommand('ChargeCard', z.object({ orderId: z.string(), totalCents: z.number().int() }));

export type OrderPlaced = EventOf<typeof OrderPlaced>;
export type OrderNoted = EventOf<typeof OrderNoted>;
export type OrderCancelled = EventOf<typeof OrderCancelled>;
export type ChargeCard = EventOf<typeof ChargeCard>;

/** What the shop's aggregates emit. */
export const orderEvents = [OrderPlaced, OrderNoted, OrderCancelled];

type OrderEvent = OrderPlaced | OrderNoted | OrderCancelled;

export class Order extends AggregateRoot<OrderEvent> {
  readonly stream: string;
  status: 'draft' | 'placed' | 'cancelled' = 'draft';
  readonly notes: string[] = [];

  constructor(id: string) {
    super();
    this.stream = `order-${id}`;
  }

  static placed(id: string): Order {
    const order = new Order(id);
    order.place('c-1', 4_200);
    return order;
  }

  place(customerId: string, totalCents: number): void {
    if (this.status !== 'draft') throw new Error(`Order is already ${this.status}.`);
    this.emit(OrderPlaced({ customerId, totalCents }));
  }

  note(...texts: readonly string[]): void {
    for (const text of texts) this.emit(OrderNoted({ text }));
  }

  cancel(reason: string): void {
    if (this.status === 'cancelled') return;
    this.emit(OrderCancelled({ reason }));
  }

  protected override apply(event: OrderEvent): void {
    if (event.type === 'OrderPlaced') this.status = 'placed';
    if (event.type === 'OrderNoted') this.notes.push(event.data.text);
    if (event.type === 'OrderCancelled') this.status = 'cancelled';
  }
}
