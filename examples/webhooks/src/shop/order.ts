import { AggregateRoot } from '@waybill/core';
import { OrderCancelled, OrderChanged, OrderPlaced } from '../order-events.js';
import type { OrderEvent } from '../order-events.js';

/** One order: may be changed until it is cancelled. */
export class Order extends AggregateRoot<OrderEvent> {
  readonly stream: string;
  #customerId: string | undefined;
  #cancelled = false;

  constructor(id: string) {
    super();
    this.stream = `order-${id}`;
  }

  place(customerId: string, totalCents: number): void {
    if (this.#customerId !== undefined) throw new Error(`${this.stream} has been placed before.`);
    this.emit(OrderPlaced({ customerId, totalCents }));
  }

  change(totalCents: number): void {
    this.emit(OrderChanged({ customerId: this.#open(), totalCents }));
  }

  cancel(): void {
    this.emit(OrderCancelled({ customerId: this.#open() }));
  }

  protected override apply(event: OrderEvent): void {
    this.#customerId = event.data.customerId;
    this.#cancelled = event.type === 'OrderCancelled';
  }

  /** Whose it is. */
  #open(): string {
    if (this.#customerId === undefined || this.#cancelled) throw new Error(`${this.stream} is not open.`);
    return this.#customerId;
  }
}
