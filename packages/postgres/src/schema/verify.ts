import { SchemaMismatchError } from '@waybill/core';
import type { PostgresConnection } from '../postgres-connection.js';
import { refuseOtherLanes } from './migrate.js';
import { MIGRATIONS } from './migrations.js';

/** What order rests on, checked before anything is delivered. */
export async function verify(connection: PostgresConnection<never>): Promise<void> {
  const { schema, schemaName, lanes } = connection;
  const [found] = await connection.query<{ version: string; lanes: string; standby: string; cache: string | null }>(
    `
    select
      (select max(version) from ${schema}.migration)::text as version,
      (select lanes from ${schema}.identity)::text as lanes,
      pg_is_in_recovery()::text as standby,
      (select cache_size from pg_sequences where schemaname = $1::text and sequencename = 'outbox_position')::text as cache`,
    [schemaName],
  );
  const { version, lanes: stored, standby, cache } = found!;
  const newest = MIGRATIONS.at(-1)!.version;
  if (Number(version) !== newest) {
    throw new SchemaMismatchError(
      `Schema ${schema} is at version ${version}; this package needs ${newest}. ${Number(version) < newest ? 'Run database.migrate().' : 'Upgrade @waybill/postgres.'}`,
    );
  }
  refuseOtherLanes(schema, Number(stored), lanes);
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
}
