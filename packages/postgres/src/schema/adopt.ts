import { ADOPTED_EPOCH_STEP } from '@waybill/core';
import type { AdoptedRoute, Adoption } from '@waybill/core';
import type { PostgresConnection } from '../postgres-connection.js';
import type { PostgresTx } from '../postgres-tx.js';
import { CEILING } from '../snapshot-window.js';
import { maintain } from './maintenance.js';
import { refuseOtherLanes } from './migrate.js';
import { LANE_OF_ROW, PASSED, restamp } from './restamp.js';
import { refuseOtherVersion } from './verify.js';

/**
 * Makes this database the outbox's home: whatever was restored or copied goes on from where it stands.
 *
 * In one transaction: what each lane has delivered is worked out by the old places, and written down anew in terms of this server. Leases
 * end, and whoever held them is fenced out. Then the outbox has a new id, and no mark.
 *
 * @throws {@link SchemaMismatchError} migrate first
 */
export async function adopt(connection: PostgresConnection<never>, name: string | undefined): Promise<Adoption> {
  const { schema, lanes } = connection;
  return maintain(connection, async (tx) => {
    const { rows } = await tx.query<{ outbox_id: string; version: string; lanes: string; elsewhere: string }>(`
      select outbox_id::text as outbox_id, lanes::text as lanes, (select max(version) from ${schema}.migration)::text as version,
        (
          system_identifier <> (select c.system_identifier::text from pg_control_system() as c)
          or coalesce((select transaction_id from ${schema}.outbox order by transaction_id desc limit 1) >= ${CEILING}, false)
        )::text as elsewhere
      from ${schema}.identity`);
    const { outbox_id: previousId, version, lanes: stored, elsewhere } = rows[0]!;
    refuseOtherVersion(schema, version);
    refuseOtherLanes(schema, Number(stored), lanes);

    const unread = elsewhere === 'true' ? writtenHere(schema) : 'false';
    await catchUpPositions(tx, schema);
    const routes = await pendingOf(tx, schema, unread);
    await restamp(tx, { schema, unread });
    await endSubscriptionLeases(tx, schema);
    await tx.query(`delete from ${schema}.instance`); // of the original's processes
    const { rows: home } = await tx.query<{ outbox_id: string }>(
      `
      update ${schema}.identity
      set outbox_id = gen_random_uuid(), name = $1::text, mark_number = 0, mark_nonce = gen_random_uuid(), last_epoch = last_epoch + ${ADOPTED_EPOCH_STEP},
        system_identifier = (select system_identifier::text from pg_control_system()),
        database_oid = (select oid from pg_database where datname = current_database())
      returning outbox_id::text as outbox_id`,
      [name],
    );
    return { outboxId: home[0]!.outbox_id, previousId, routes };
  });
}

// Rows that were committed here before anybody adopted the outbox have ids that the places from elsewhere may take for old ones. The row's own
// xmin tells: it is the writing transaction, or one of its savepoints, while a restore has written all rows in its own. That the id is later
// than the restore of the oldest table leaves out the few rows from elsewhere of which this would be true by chance; those it does not leave
// out are delivered again.
function writtenHere(schema: string): string {
  const transaction = 'o.transaction_id::text::bigint';
  const next = `${CEILING}::text::bigint`;
  const restored = `(select ${next} - (${next} - m.xmin::text::bigint) % ${CYCLE} from ${schema}.migration as m where m.version = 1)`;
  return `(
    ${transaction} < ${next} and ${transaction} >= ${restored}
    and (o.xmin::text::bigint - ${transaction} % ${CYCLE} + ${CYCLE}) % ${CYCLE} <= ${MOST_SAVEPOINTS}
  )`;
}

/** A row's xmin is the lower half of a transaction's id. */
const CYCLE = '4294967296';
const MOST_SAVEPOINTS = 10_000;

/** Whoever held one in the original is fenced out, by an epoch that no holder there has reached. */
async function endSubscriptionLeases(tx: PostgresTx, schema: string): Promise<void> {
  const sequence = `${schema}.subscription_epoch`;
  await tx.query(`
    select setval('${sequence.replaceAll("'", "''")}', greatest(last_value, (select max(epoch) from ${schema}.subscription)) + ${ADOPTED_EPOCH_STEP})::text
    from ${sequence}`);
  await tx.query(`
    update ${schema}.subscription
    set owner = null, released = true, lease_until = '-infinity', epoch = nextval('${sequence.replaceAll("'", "''")}')`);
}

/** A dump has the sequence's value; whoever copied the tables alone may have left it behind. */
async function catchUpPositions(tx: PostgresTx, schema: string): Promise<void> {
  await tx.query(`
    select setval('${schema.replaceAll("'", "''")}.outbox_position', highest)::text
    from (select max(position) as highest from ${schema}.outbox) as stored
    where highest > (select case when is_called then last_value else 0 end from ${schema}.outbox_position)`);
}

async function pendingOf(tx: PostgresTx, schema: string, unread: string): Promise<readonly AdoptedRoute[]> {
  const { rows } = await tx.query<{ route: string; pending: string; stopped: string }>(`
    select r.route, (select count(*) from ${schema}.stopped_stream as s where s.route = r.route)::text as stopped, (
      select count(*)
      from ${schema}.outbox as o
      join ${schema}.lane as l on ${LANE_OF_ROW}
      where (${unread} or not ${PASSED})
        and case when r.types is null then o.kind = 'event' else o.type = any (r.types) end
        and (r.streams is null or o.stream ^@ any (r.streams))
        and not exists (
          select from ${schema}.stopped_stream as s
          where s.route = l.route and s.lane = l.lane and s.stream = o.stream and s.from_revision <= o.revision
        )
    )::text as pending
    from ${schema}.route as r
    where r.retired_at is null
    order by r.route`);
  return rows.map(({ route, pending, stopped }) => ({ route, pending: Number(pending), stopped: Number(stopped) }));
}
