import { startPostgres } from '@waybill/local-servers';
import type { LocalPostgres } from '@waybill/local-servers';
import { PostgresDatabase } from '@waybill/postgres';
import type { PostgresOptions } from '@waybill/postgres';
import { Pool } from 'pg';

// The WAL listener of pg-transactional-outbox wants `logical`. Checkpoints in the middle of a round would hit one contender only.
const SETTINGS = { wal_level: 'logical', max_wal_size: '4GB' };

/** The databases of one section of the run, on the run's PostgreSQL, and the pools on them; gone at its end. */
export class Scratch {
  readonly #pools: Pool[] = [];
  readonly #databases: string[] = [];

  private constructor(private readonly server: LocalPostgres) {}

  static async within<Result>(server: LocalPostgres, work: (scratch: Scratch) => Promise<Result>): Promise<Result> {
    const scratch = new Scratch(server);
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

  /** A migrated outbox in a new database. */
  async outbox(options: Omit<PostgresOptions, 'pool'> = {}): Promise<{ readonly pool: Pool; readonly database: PostgresDatabase }> {
    const pool = await this.pool();
    const database = new PostgresDatabase({ pool, ...options });
    await database.migrate();
    return { pool, database };
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
export async function startDurablePostgres(): Promise<{ readonly server: LocalPostgres; readonly description: string }> {
  const server = await startPostgres({ durable: true, settings: SETTINGS });
  const pool = new Pool({ connectionString: server.url, max: 1 });
  const { rows } = await pool.query<Record<'fsync' | 'waits' | 'wal', string>>(
    "select current_setting('fsync') as fsync, current_setting('synchronous_commit') as waits, current_setting('wal_level') as wal",
  );
  await pool.end();
  const { fsync, waits, wal } = rows[0]!;
  return { server, description: `${server.description.split(',')[0]!}: fsync ${fsync}, synchronous_commit ${waits}, wal_level ${wal}` };
}
