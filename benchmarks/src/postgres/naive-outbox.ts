import type { Pool } from 'pg';
import type { NaiveOutbox } from '../naive-outbox.js';
import { PAYLOAD } from '../order.js';
import { inTransaction } from './in-transaction.js';
import { INSERT_ORDER } from './order-list.js';

export const NAIVE_OUTBOX = `
  create table public.naive_outbox (
    id bigserial primary key,
    stream text not null,
    type text not null,
    payload json not null,
    created_at timestamptz not null default now()
  )`;

const INSERT_MESSAGE = `insert into public.naive_outbox (stream, type, payload) values ($1, 'OrderPlaced', $2)`;
const AFTER = `select id::text as id from public.naive_outbox where id > $1 order by id limit 1000`;
const COUNT = `select count(*)::integer as messages from public.naive_outbox`;

/** Numbered by a sequence. */
export const naiveOutbox = (pool: Pool): NaiveOutbox => ({
  commit: (id, stream = `order-${id}`, beforeCommit) =>
    inTransaction(pool, async (client) => {
      await client.query(INSERT_ORDER, [id, PAYLOAD.customerId, PAYLOAD.totalCents]);
      await client.query(INSERT_MESSAGE, [stream, JSON.stringify(PAYLOAD)]);
      await beforeCommit?.();
    }),
  after: async (last = '0') => (await pool.query<{ id: string }>(AFTER, [last])).rows.map(({ id }) => id),
  count: async () => (await pool.query<{ messages: number }>(COUNT)).rows[0]!.messages,
});
