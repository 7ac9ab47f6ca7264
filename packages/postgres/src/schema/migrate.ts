import { SchemaMismatchError } from '@waybill/core';
import { translate } from '../postgres-errors.js';
import type { PostgresConnection } from '../postgres-connection.js';
import { poolTransactions } from '../postgres-transactions.js';
import type { PostgresTx } from '../postgres-tx.js';
import { MIGRATIONS } from './migrations.js';

/**
 * Brings the schema up to this version, in one transaction: all or nothing. Processes that start together wait for each other.
 *
 * @throws {@link SchemaMismatchError} the schema is newer than this version, or was made for another number of lanes
 */
export async function migrate({ pool, schema, schemaName, lanes }: PostgresConnection<never>, signal?: AbortSignal): Promise<void> {
  const upgrade = async (tx: PostgresTx): Promise<void> => {
    // Whatever the default: who waited for the lock must see what its holder has done.
    await tx.query('set transaction isolation level read committed');
    // Held until commit, so it works behind PgBouncer too.
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1::text, 0))::text', [`waybill migrations of ${schemaName}`]);
    // `if not exists` alone would want the right to create schemas from those who only upgrade theirs.
    const { rows: found } = await tx.query('select nspname from pg_namespace where nspname = $1::text', [schemaName]);
    if (found.length === 0) await tx.query(`create schema if not exists ${schema}`);
    await tx.query(
      `create table if not exists ${schema}.migration (version integer primary key, applied_at timestamptz not null default now())`,
    );
    const { rows } = await tx.query<{ version: string }>(`select coalesce(max(version), 0)::text as version from ${schema}.migration`);
    const current = Number(rows[0]!.version);
    const newest = MIGRATIONS.at(-1)!.version;
    if (current > newest)
      throw new SchemaMismatchError(
        `Schema ${schema} is at version ${current}, newer than this package's ${newest}. Upgrade @waybill/postgres.`,
      );
    for (const { version, sql } of MIGRATIONS) {
      signal?.throwIfAborted();
      if (version <= current) continue;
      await tx.query(sql(schema, lanes));
      await tx.query(`insert into ${schema}.migration (version) values ($1::integer)`, [version]);
    }
    await checkLanes(tx, schema, lanes);
  };
  try {
    await poolTransactions(pool).run(upgrade);
  } catch (error) {
    throw translate(error);
  }
}

async function checkLanes(tx: PostgresTx, schema: string, lanes: number): Promise<void> {
  const { rows } = await tx.query<{ lanes: string }>(`select lanes::text as lanes from ${schema}.identity`);
  refuseOtherLanes(schema, Number(rows[0]!.lanes), lanes);
}

export function refuseOtherLanes(schema: string, stored: number, wanted: number): void {
  if (stored === wanted) return;
  throw new SchemaMismatchError(
    `Schema ${schema} has ${stored} lanes, but the options say ${wanted}. It decides where rows are: pass { lanes: ${stored} }; or stop every dispatcher and run database.changeLanes() once.`,
  );
}
