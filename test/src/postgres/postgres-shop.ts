import { UnitOfWork } from '@waybill/core';
import type { UnitOfWorkOptions } from '@waybill/core';
import { PostgresDatabase } from '@waybill/postgres';
import type { PostgresOptions, PostgresTx } from '@waybill/postgres';
import { Pool } from 'pg';
import { postgresDatabase } from '../servers.js';
import { NoteWritten } from '../shop/notebook.js';

export interface PostgresShop {
  readonly url: string;
  readonly pool: Pool;
  readonly database: PostgresDatabase;
  readonly unitOfWork: UnitOfWork<PostgresTx>;
  close(): Promise<void>;
}

/** A migrated database of its own, and a unit of work on it. */
export async function openShop(
  options: Omit<PostgresOptions, 'pool'> & Pick<UnitOfWorkOptions<PostgresTx>, 'history'> & { readonly max?: number } = {},
  url?: string,
): Promise<PostgresShop> {
  const { history, max = 20, ...postgres } = options;
  const connectionString = url ?? (await postgresDatabase());
  const pool = new Pool({ connectionString, max });
  pool.on('error', () => {}); // connections are ended on purpose
  const database = new PostgresDatabase({ pool, ...postgres });
  await database.migrate();
  const unitOfWork = new UnitOfWork({ database, catalogue: [NoteWritten], ...(history && { history }) });
  return { url: connectionString, pool, database, unitOfWork, close: () => pool.end() };
}
