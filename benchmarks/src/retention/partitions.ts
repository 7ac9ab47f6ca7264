import { PostgresDatabase } from '@waybill/postgres';
import type { Pool } from 'pg';
import type { Contender } from './contender.js';
import { OutboxTable } from './outbox-table.js';

const PARTITIONS = 10;

/**
 * The same table in ranges of positions; a range leaves by `detach concurrently` and `drop`. The append is ours, the proof is left out: that
 * all of a range may go is taken for granted.
 */
export function partitions(pool: Pool): Contender {
  const database = new PostgresDatabase({ pool, listen: false });
  const table = new OutboxTable(pool, database);
  let each = 0;
  return {
    name: 'detach and drop partitions',
    async fill(rows) {
      await database.migrate();
      each = rows / PARTITIONS;
      await pool.query(`
        create table waybill.ranged (like waybill.outbox including defaults, primary key (lane, position)) partition by range (position);
        create index on waybill.ranged (stream, revision); -- not unique: the key of the partitions is missing in it
        create index on waybill.ranged (transaction_id);
        create index on waybill.ranged using hash (id);
        drop table waybill.outbox cascade;
        alter table waybill.ranged rename to outbox`);
      for (let nth = 0; nth < PARTITIONS; nth++) {
        const to = nth === PARTITIONS - 1 ? 'maxvalue' : String(1 + (nth + 1) * each);
        await pool.query(`create table waybill.part_${nth} partition of waybill.outbox for values from (${1 + nth * each}) to (${to})`);
      }
      for (const [share, days] of [
        [2, 3],
        [2, 2],
        [1, 0],
      ] as const)
        await table.insert((rows / 5) * share, days);
      await pool.query('vacuum analyze waybill.outbox');
    },
    commit: () => table.commit(),
    async remove(days, signal) {
      const old = days > 2 ? [0, 1, 2, 3] : [4, 5, 6, 7];
      for (const [gone, nth] of old.entries()) {
        if (!(await detach(pool, `waybill.part_${nth}`, signal))) return { rows: gone * each, done: false };
        await pool.query(`drop table waybill.part_${nth}`);
      }
      return { rows: old.length * each, done: true };
    },
    async size() {
      const { rows } = await pool.query<{ bytes: string }>(
        `select sum(pg_total_relation_size(relid))::text as bytes from pg_partition_tree('waybill.outbox') where isleaf`,
      );
      return Number(rows[0]!.bytes) / 2 ** 20;
    },
    vacuum: async () => void (await pool.query('vacuum waybill.outbox')),
    refill: (rows) => table.insert(rows, 0),
    idle: () => table.idle(),
  };
}

/** False when it was cancelled before it was done: the partition is left half detached then, and needs `finalize`. */
async function detach(pool: Pool, partition: string, signal: AbortSignal): Promise<boolean> {
  const client = await pool.connect();
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const cancel = (): void => void pool.query('select pg_cancel_backend($1)', [rows[0]!.pid]);
  signal.addEventListener('abort', cancel, { once: true });
  try {
    await client.query(`alter table waybill.outbox detach partition ${partition} concurrently`);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
    client.release();
  }
}
