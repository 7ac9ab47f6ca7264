import type { Pool } from 'pg';
import { INSERT_ORDER, PAYLOAD } from './order.js';

/** The outbox of many a blog post. Fast, and its reader loses messages: numbers are drawn at insert, not at commit. */
export const naiveTable = (schema: string): string => `
  create table ${schema}.naive_outbox (
    id bigserial primary key,
    stream text not null,
    type text not null,
    payload json not null,
    created_at timestamptz not null default now()
  )`;

/** @param beforeCommit - what the transaction still does after it has drawn its number */
export function commitNaively(
  pool: Pool,
  schema: string,
  beforeCommit?: () => Promise<void>,
): (id: string, stream?: string) => Promise<void> {
  const insertOrder = INSERT_ORDER(schema);
  const insertMessage = `insert into ${schema}.naive_outbox (stream, type, payload) values ($1, 'OrderPlaced', $2)`;

  return async (id, stream = `order-${id}`) => {
    const client = await pool.connect();
    try {
      await client.query('begin');
      await client.query(insertOrder, [id, PAYLOAD.customerId, PAYLOAD.totalCents]);
      await client.query(insertMessage, [stream, JSON.stringify(PAYLOAD)]);
      await beforeCommit?.();
      await client.query('commit');
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  };
}

/** Its reader: everything after the last number seen, until `signal` aborts and nothing is left. */
export async function readNaively(pool: Pool, schema: string, onMessage: (id: string) => void, signal: AbortSignal): Promise<void> {
  let last = '0';
  for (;;) {
    const ending = signal.aborted;
    const { rows } = await pool.query<{ id: string }>(
      `select id::text as id from ${schema}.naive_outbox where id > $1 order by id limit 1000`,
      [last],
    );
    for (const { id } of rows) onMessage(id);
    last = rows.at(-1)?.id ?? last;
    if (rows.length === 0 && ending) return;
    if (rows.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
