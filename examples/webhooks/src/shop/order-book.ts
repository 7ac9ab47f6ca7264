import { projector } from '@waybill/core';
import type { Projector } from '@waybill/core';
import type { PostgresTx } from '@waybill/postgres';
import { OrderCancelled, OrderChanged, OrderPlaced, totalAfter } from '../order-events.js';

/** The shop's own table, in the schema of the run: an order's events so far, and what it costs now. */
export const orderBookTable = (schema: string): string => `
  create table ${schema}.order_book (
    stream text primary key,
    customer_id text not null,
    total_cents bigint not null,
    messages integer not null
  )`;

/** Keeps the table in the transaction that commits the events. */
export const orderBook = (schema: string): Projector<PostgresTx> =>
  projector<PostgresTx>('order-book').on([OrderPlaced, OrderChanged, OrderCancelled], (event, { tx }) =>
    tx.query(
      `insert into ${schema}.order_book as book values ($1, $2, $3, 1)
       on conflict (stream) do update set total_cents = excluded.total_cents, messages = book.messages + 1`,
      [event.stream, event.data.customerId, totalAfter(event)],
    ),
  );
