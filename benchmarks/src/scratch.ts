import { startPostgres } from '@waybill/local-servers';
import type { LocalPostgres } from '@waybill/local-servers';
import { PostgresDatabase } from '@waybill/postgres';
import type { PostgresOptions } from '@waybill/postgres';
import { Pool } from 'pg';

/** A durable PostgreSQL for one section of the run, and the pools on its databases; all gone at the end. */
export class Scratch {
  readonly #pools: Pool[] = [];

  private constructor(readonly server: LocalPostgres) {}

  static async within<Result>(settings: Readonly<Record<string, string>>, work: (scratch: Scratch) => Promise<Result>): Promise<Result> {
    const server = await startPostgres({ durable: true, settings: { max_wal_size: '4GB', ...settings } });
    const scratch = new Scratch(server);
    try {
      return await work(scratch);
    } finally {
      await Promise.all(scratch.#pools.map((pool) => pool.end()));
      await server.stop();
    }
  }

  /** A pool on a new, empty database. */
  async pool(max = 16): Promise<Pool> {
    return this.poolOn(await this.server.createDatabase(), max);
  }

  poolOn(url: string, max = 16): Pool {
    const pool = new Pool({ connectionString: url, max });
    pool.on('error', () => {}); // the server may go first
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
}
