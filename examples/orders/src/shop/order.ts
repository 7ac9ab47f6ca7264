import { AggregateRoot } from '@waybill/core';
import { OrderCancelled, OrderPlaced, OrderReleased, OrderShipped } from '../messages.js';
import type { OrderEvent } from '../messages.js';

export type OrderStatus = 'new' | 'placed' | 'released' | 'shipped' | 'cancelled';

const AFTER: Readonly<Record<OrderEvent['type'], OrderStatus>> = {
  OrderPlaced: 'placed',
  OrderReleased: 'released',
  OrderShipped: 'shipped',
  OrderCancelled: 'cancelled',
};

/** One order: is released once it is paid, and then shipped; or cancelled before that. Knows nothing of cards and parcels. */
export class Order extends AggregateRoot<OrderEvent> {
  readonly stream: string;
  #status: OrderStatus = 'new';
  #item = '';

  constructor(private readonly orderId: string) {
    super();
    this.stream = `order-${orderId}`;
  }

  place(order: Omit<OrderPlaced['data'], 'orderId'>): void {
    this.#must('new');
    this.emit(OrderPlaced({ orderId: this.orderId, ...order }));
  }

  release(): void {
    this.#must('placed');
    this.emit(OrderReleased({ orderId: this.orderId, item: this.#item }));
  }

  ship(): void {
    this.#must('released');
    this.emit(OrderShipped({ orderId: this.orderId }));
  }

  cancel(reason: string): void {
    this.#must('placed', 'released');
    this.emit(OrderCancelled({ orderId: this.orderId, reason }));
  }

  protected override apply(event: OrderEvent): void {
    this.#status = AFTER[event.type];
    if (event.type === 'OrderPlaced') this.#item = event.data.item;
  }

  #must(...statuses: readonly OrderStatus[]): void {
    if (!statuses.includes(this.#status)) throw new Error(`${this.stream} is ${this.#status}, and not ${statuses.join(' or ')}.`);
  }
}
