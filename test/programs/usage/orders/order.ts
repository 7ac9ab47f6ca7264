import { AggregateRoot } from '@waybill/core';
import { OrderCancelled, OrderPlaced, OrderShipped } from './order-events.js';

export class Order extends AggregateRoot<OrderPlaced | OrderCancelled | OrderShipped> {
  readonly stream: string;
  #status: 'draft' | 'placed' | 'cancelled' | 'shipped' = 'draft';

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
    this.emit({ type: 'OrderCancelled', data: { reason } }); // a plain literal is the same thing
  }

  protected override apply(event: OrderPlaced | OrderCancelled | OrderShipped): void {
    switch (event.type) {
      case 'OrderPlaced':
        this.#status = 'placed';
        break;
      case 'OrderCancelled':
        this.#status = 'cancelled';
        break;
      case 'OrderShipped':
        this.#status = 'shipped';
        break;
    }
  }
}
