import { AggregateRoot, defineEvent, projector } from '@waybill/core';
import type { EventOf } from '@waybill/core';
import type { PostgresTx } from '@waybill/postgres';
import { z } from 'zod';

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

/** The read model's table in one schema, so that contenders do not share it. */
export const orderListTable = (schema: string): string =>
  `create table ${schema}.order_list (id text primary key, customer_id text not null, total_cents integer not null)`;

export const INSERT_ORDER = (schema: string): string =>
  `insert into ${schema}.order_list (id, customer_id, total_cents) values ($1, $2, $3)`;

export function orderList(schema: string): ReturnType<typeof projector<PostgresTx>> {
  const insert = INSERT_ORDER(schema);
  return projector<PostgresTx>('order-list').on(OrderPlaced, ({ stream, data }, { tx }) =>
    tx.query(insert, [stream.slice('order-'.length), data.customerId, data.totalCents]),
  );
}
