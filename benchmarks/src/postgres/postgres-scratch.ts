import { PostgresDatabase } from '@waybill/postgres';
import type { PostgresTx } from '@waybill/postgres';
import { startPostgres } from '@waybill/local-servers';
import type { LocalPostgres } from '@waybill/local-servers';
import { Pool } from 'pg';
import type { Scratch, Targets } from '../scratch.js';
import type { Shop, ShopOptions } from '../shop.js';
import type { Server } from '../suite.js';
import { PostgresShop } from './postgres-shop.js';

// The WAL listener of pg-transactional-outbox wants `logical`. Checkpoints in the middle of a round would hit one contender only.
const SETTINGS = { wal_level: 'logical', max_wal_size: '4GB' };

/** Databases of PostgreSQL, and the pools on them. */
export class PostgresScratch implements Scratch<PostgresTx> {
  readonly targets: Targets = {
    commit: { toByHand: 0.95, toNaive: 0.7 },
    drainPerSecond: 100_000,
    latency: { perSecond: 1_000, p50Ms: 5, p99Ms: 25 },
  };
  readonly words = { naive: 'naive outbox', wokenBy: 'NOTIFY', sent: 'statements' };
  readonly #pools: Pool[] = [];
  readonly #databases: string[] = [];

  private constructor(private readonly server: LocalPostgres) {}

  static async within<Result>(server: LocalPostgres, work: (scratch: PostgresScratch) => Promise<Result>): Promise<Result> {
    const scratch = new PostgresScratch(server);
    try {
      return await work(scratch);
    } finally {
      await scratch.#end();
    }
  }

  /** The URL of a new, empty database. */
  async url(): Promise<string> {
    const url = await this.server.createDatabase();
    this.#databases.push(new URL(url).pathname.slice(1));
    return url;
  }

  /** A pool on a database, by default on a new, empty one. */
  async pool(max = 16, url?: string): Promise<Pool> {
    const pool = new Pool({ connectionString: url ?? (await this.url()), max });
    pool.on('error', () => {}); // the database may go first
    this.#pools.push(pool);
    return pool;
  }

  async shop({ lanes }: ShopOptions = {}): Promise<Shop<PostgresTx>> {
    const pool = await this.pool();
    const database = new PostgresDatabase({ pool, ...(lanes !== undefined && { lanes }) });
    return PostgresShop.open(database, pool, await this.pool(1, pool.options.connectionString));
  }

  // Dropped at once, and not with the server: autovacuum would go on with them beside the next section.
  async #end(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.end()));
    const administrator = new Pool({ connectionString: this.server.url, max: 1 });
    await administrator.query(`select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active`);
    for (const name of this.#databases) await administrator.query(`drop database if exists ${name} with (force)`);
    await administrator.end();
  }
}

/** The run's server, which answers a commit when it is on the disk, and what it says of itself. */
export async function startDurablePostgres(): Promise<Server<PostgresScratch>> {
  const server = await startPostgres({ durable: true, settings: SETTINGS });
  const pool = new Pool({ connectionString: server.url, max: 1 });
  const { rows } = await pool.query<Record<'fsync' | 'waits' | 'wal', string>>(
    "select current_setting('fsync') as fsync, current_setting('synchronous_commit') as waits, current_setting('wal_level') as wal",
  );
  await pool.end();
  const { fsync, waits, wal } = rows[0]!;
  return {
    description: `${server.description}: fsync ${fsync}, synchronous_commit ${waits}, wal_level ${wal}`,
    within: (work) => PostgresScratch.within(server, work),
    stop: () => server.stop(),
  };
}
