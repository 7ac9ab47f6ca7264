import { AggregateRoot, defineEvent, projector } from '@waybill/core';
import type { EventOf, Projector } from '@waybill/core';
import { z } from 'zod';
import type { Shop } from './shop.js';

export const OrderPlaced = defineEvent('OrderPlaced', z.object({ customerId: z.string(), totalCents: z.number().int() }));
export type OrderPlaced = EventOf<typeof OrderPlaced>;

/** What every commit here writes: an event of about 50 bytes, and one row of a read model. */
export const PAYLOAD = { customerId: '0193b5d2-8f3e-7c1a', totalCents: 4_200 };

export class Order extends AggregateRoot<OrderPlaced> {
  readonly stream: string;

  constructor(readonly id: string) {
    super();
    this.stream = `order-${id}`;
  }

  place(): this {
    this.emit(OrderPlaced(PAYLOAD));
    return this;
  }

  protected override apply(): void {}
}

export const orderList = <Tx>(shop: Shop<Tx>): Projector<Tx> =>
  projector<Tx>('order-list').on(OrderPlaced, ({ stream }, { tx }) => shop.insertOrder(stream.slice('order-'.length), tx));
