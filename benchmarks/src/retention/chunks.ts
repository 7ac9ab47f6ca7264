import { PostgresDatabase } from '@waybill/postgres';
import type { Pool } from 'pg';
import type { Contender } from './contender.js';
import { OutboxTable } from './outbox-table.js';

const DAY_MS = 86_400_000;
const CHUNK = 10_000;

/** Ours: deletes in chunks, each with its proof. */
export function chunks(pool: Pool): Contender {
  const database = new PostgresDatabase({ pool, listen: false });
  const table = new OutboxTable(pool, database);
  return {
    name: 'delete in chunks',
    async fill(rows) {
      await database.migrate();
      for (const [share, days] of [
        [2, 3],
        [2, 2],
        [1, 0],
      ] as const)
        await table.insert((rows / 5) * share, days);
      // What begins now has delivered all that there is.
      await database.routes.save({ name: 'benchmark', order: 'stream', selection: {}, start: 'now' });
      await pool.query('vacuum analyze waybill.outbox');
    },
    commit: () => table.commit(),
    async remove(days, signal) {
      for (let rows = 0; ;) {
        const removed = await database.retention.removeMessages({ olderThanMs: days * DAY_MS, most: CHUNK });
        rows += removed;
        if (removed < CHUNK || signal.aborted) return { rows, done: removed < CHUNK };
      }
    },
    async size() {
      const { rows } = await pool.query<{ bytes: string }>(`select pg_total_relation_size('waybill.outbox')::text as bytes`);
      return Number(rows[0]!.bytes) / 2 ** 20;
    },
    vacuum: async () => void (await pool.query('vacuum waybill.outbox')),
    refill: (rows) => table.insert(rows, 0),
    idle: () => table.idle(),
  };
}
