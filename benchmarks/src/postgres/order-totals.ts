import type { PostgresTx } from '@waybill/postgres';
import type { Pool } from 'pg';
import type { OrderTotals } from '../follow/order-totals.js';
import { PAYLOAD } from '../order.js';
import { inTransaction } from './in-transaction.js';

export const ORDER_TOTALS = `create table public.order_totals (stream text primary key, orders integer not null, cents bigint not null)`;
export const PLACE_BY_HAND = `create table public.place_by_hand (name text primary key, position bigint not null)`;
const ADD = `
  insert into public.order_totals as kept (stream, orders, cents) values ($1, 1, $2)
  on conflict (stream) do update set orders = kept.orders + 1, cents = kept.cents + excluded.cents`;
const MOVE = `
  insert into public.place_by_hand (name, position) values ('totals', $1)
  on conflict (name) do update set position = excluded.position`;

export function orderTotals(pool: Pool): OrderTotals<PostgresTx> {
  const add = (stream: string, tx: PostgresTx): Promise<unknown> => tx.query(ADD, [stream, PAYLOAD.totalCents]);
  return {
    add,
    async counts() {
      const { rows } = await pool.query<{ orders: number }>('select orders from public.order_totals');
      return rows.map(({ orders }) => orders);
    },
    commitByHand: (streams, place) =>
      inTransaction(pool, async (client) => {
        for (const stream of streams) await add(stream, client);
        await client.query(MOVE, [String(place)]);
      }),
    async placeByHand() {
      const { rows } = await pool.query<{ position: string }>('select position from public.place_by_hand');
      return rows[0] && BigInt(rows[0].position);
    },
  };
}
