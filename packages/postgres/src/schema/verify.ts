import { DatabaseReplacedError, SchemaMismatchError } from '@waybill/core';
import type { PostgresConnection } from '../postgres-connection.js';
import type { PostgresTx } from '../postgres-tx.js';
import { CEILING } from '../snapshot-window.js';
import { refuseOtherLanes } from './migrate.js';
import { MIGRATIONS } from './migrations.js';

interface Found {
  readonly version: string;
  readonly lanes: string;
  readonly standby: string;
  readonly cache: string | null;
}

interface Home {
  readonly other_cluster: string;
  readonly other_database: string;
  readonly newest_row: string | null;
  /** Transactions up to here had begun when a lane looked. */
  readonly newest_place: string | null;
  readonly next_transaction: string;
}

/**
 * What order rests on, checked before anything is delivered.
 *
 * @param name - what the options call this outbox; stored when it is the first that does
 */
export async function verify(connection: PostgresConnection<never>, name: string | undefined): Promise<void> {
  const { schema, schemaName, lanes } = connection;
  const [found] = await connection.query<Found>(
    `
    select
      (select max(version) from ${schema}.migration)::text as version,
      (select lanes from ${schema}.identity)::text as lanes,
      pg_is_in_recovery()::text as standby,
      (select cache_size from pg_sequences where schemaname = $1::text and sequencename = 'outbox_position')::text as cache`,
    [schemaName],
  );
  const { version, lanes: stored, standby, cache } = found!;
  refuseOtherVersion(schema, version);
  refuseOtherLanes(schema, Number(stored), lanes);
  await refuseReplaced({ query: async (text) => ({ rows: await connection.query(text) }) }, schema);
  if (standby === 'true') {
    throw new SchemaMismatchError(
      'This is a standby: its snapshots do not list the transactions that are in progress, so messages would be lost. Connect the dispatcher to the primary.',
    );
  }
  if (cache !== '1') {
    throw new SchemaMismatchError(
      `Sequence ${schema}.outbox_position has CACHE ${cache}, so later commits could get lower positions. Set it back: alter sequence ${schema}.outbox_position cache 1.`,
    );
  }
  await checkName(connection, name);
}

export function refuseOtherVersion(schema: string, version: string): void {
  const newest = MIGRATIONS.at(-1)!.version;
  if (Number(version) === newest) return;
  throw new SchemaMismatchError(
    `Schema ${schema} is at version ${version}; this package needs ${newest}. ${Number(version) < newest ? 'Run database.migrate().' : 'Upgrade @waybill/postgres.'}`,
  );
}

// Whoever copies a database keeps the name in it, and gives another one in the options of the copy.
async function checkName(connection: PostgresConnection<never>, name: string | undefined): Promise<void> {
  if (name === undefined) return;
  const [stored] = await connection.query<{ name: string }>(
    `
    with named as (
      update ${connection.schema}.identity set name = $1::text where name is null
    )
    select coalesce(name, $1::text) as name from ${connection.schema}.identity`,
    [name],
  );
  if (stored!.name !== name) throw new DatabaseReplacedError(`it is named "${stored!.name}", and the options say "${name}"`);
}

// Checkpoints hold transaction ids, which mean something in one cluster only, and only forward.
export async function refuseReplaced(connection: Pick<PostgresTx, 'query'>, schema: string): Promise<void> {
  const { rows } = await connection.query<Home>(`
    select
      (system_identifier <> (select c.system_identifier::text from pg_control_system() as c))::text as other_cluster,
      (database_oid <> (select d.oid from pg_database as d where d.datname = current_database()))::text as other_database,
      (select transaction_id from ${schema}.outbox order by transaction_id desc limit 1)::text as newest_row,
      (select max(greatest(ceiling, to_ceiling)::text::bigint) from ${schema}.lane)::text as newest_place,
      ${CEILING}::text as next_transaction
    from ${schema}.identity`);
  const { other_cluster, other_database, newest_row, newest_place, next_transaction } = rows[0]!;
  if (other_cluster === 'true') throw new DatabaseReplacedError('it was made in another PostgreSQL cluster');
  if (other_database === 'true') throw new DatabaseReplacedError('it was made in another database of this cluster');
  if (newest_row !== null && BigInt(newest_row) >= BigInt(next_transaction)) {
    throw new DatabaseReplacedError(
      `it has a row of transaction ${newest_row}, and the next transaction of this server is ${next_transaction}`,
    );
  }
  // Where retention has left no row to tell, the places do.
  if (newest_place !== null && BigInt(newest_place) > BigInt(next_transaction)) {
    throw new DatabaseReplacedError(
      `a lane of it has looked at transactions up to ${newest_place}, and the next transaction of this server is ${next_transaction}`,
    );
  }
}
