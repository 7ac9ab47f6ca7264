import { LanesInUseError } from '@waybill/core';
import type { LaneChange } from '@waybill/core';
import type { PostgresConnection } from '../postgres-connection.js';
import { LANE_OF_STREAM } from '../postgres-errors.js';
import type { PostgresTx } from '../postgres-tx.js';
import { maintain } from './maintenance.js';
import { appendFunction } from './migrations/append.js';
import { laneOfStream } from './migrations/lane-of-stream.js';
import { readFunctions } from './migrations/read-lane.js';
import { restamp } from './restamp.js';
import { refuseOtherVersion, refuseReplaced } from './verify.js';

/**
 * Changes the schema to the number of lanes in the options.
 *
 * In one transaction, and while no dispatcher runs. Every lane of a route gets a place that says row by row what the route has delivered, which
 * is the same for all of its lanes; so rows may move to any lane.
 *
 * @throws {@link LanesInUseError} a dispatcher is alive, or a lane stands at a failure; nothing was changed
 */
export async function changeLanes(connection: PostgresConnection<never>): Promise<LaneChange> {
  const { schema, lanes: to } = connection;
  return maintain(connection, async (tx) => {
    const from = await lanesOf(tx, schema);
    if (from === to) return { from, to, moved: 0 };
    await refuseReplaced(tx, schema);
    await refuseInUse(tx, schema);

    await restamp(tx, { schema, unread: 'false' });
    await tx.query(`alter table ${schema}.outbox drop constraint if exists ${LANE_OF_STREAM}`);
    const { rows: moved } = await tx.query<{ number: string }>(`
      with moved as (
        update ${schema}.outbox set lane = stream_hash % ${to} where lane <> stream_hash % ${to} returning 1
      )
      select count(*)::text as number from moved`);
    await tx.query(laneOfStream(schema, to));
    await moveLanes(tx, schema, to);
    await tx.query(appendFunction(schema, to));
    await tx.query(readFunctions(schema, to));
    await tx.query(`update ${schema}.identity set lanes = ${to}, former_lanes = array_append(array_remove(former_lanes, lanes), lanes)`);
    return { from, to, moved: Number(moved[0]!.number) };
  });
}

async function lanesOf(tx: PostgresTx, schema: string): Promise<number> {
  const { rows } = await tx.query<{ lanes: string; version: string }>(
    `select lanes::text as lanes, (select max(version) from ${schema}.migration)::text as version from ${schema}.identity`,
  );
  refuseOtherVersion(schema, rows[0]!.version);
  return Number(rows[0]!.lanes);
}

async function refuseInUse(tx: PostgresTx, schema: string): Promise<void> {
  const { rows: alive } = await tx.query<{ name: string; route: string }>(
    `select name, route from ${schema}.instance where alive_until > clock_timestamp() order by name, route limit 1`,
  );
  if (alive[0]) {
    const { name, route } = alive[0];
    throw new LanesInUseError(`dispatcher "${name}" runs route "${route}"`, 'Stop every dispatcher, then try again; writers may go on.');
  }
  const { rows: held } = await tx.query<{ route: string; lane: string; owner: string }>(
    `select route, lane::text as lane, owner from ${schema}.lane where not released and lease_until > clock_timestamp() order by route, lane limit 1`,
  );
  if (held[0]) {
    const { route, lane, owner } = held[0];
    throw new LanesInUseError(
      `lane ${route}/${lane} is leased to "${owner}"`,
      'Stop every dispatcher, or wait until its lease has run out.',
    );
  }
  const { rows: failed } = await tx.query<{ route: string; lane: string; place: string }>(`
    select route, lane::text as lane, concat(failed_stream, '@', failed_revision) as place
    from ${schema}.lane
    where state <> 'running' or failed_id is not null
    order by route, lane
    limit 1`);
  if (failed[0]) {
    const { route, lane, place } = failed[0];
    throw new LanesInUseError(
      `lane ${route}/${lane} stands at a failure, ${place}, which it would forget`,
      'Resume or skip it, and let a dispatcher deliver it, first.',
    );
  }
}

/** Each lane of a route has the same place now, so any of them is a model for those that are new. What waits for a lane goes with its stream. */
async function moveLanes(tx: PostgresTx, schema: string, to: number): Promise<void> {
  await tx.query(`
    update ${schema}.identity
    set last_epoch = greatest(last_epoch, (select max(epoch) from ${schema}.lane))`);
  await tx.query(`
    insert into ${schema}.lane (route, lane, epoch, window_from, floor, ceiling, suspects)
    select l.route, new.lane, i.last_epoch + 1, l.window_from, l.floor, l.ceiling, 0
    from ${schema}.lane as l
    join ${schema}.route as r on r.route = l.route and r.message_order = 'stream'
    cross join ${schema}.identity as i
    cross join generate_series(0, ${to - 1}) as new (lane)
    where l.lane = 0
    on conflict (route, lane) do nothing`);
  const newLane = `(select o.stream_hash % ${to} from ${schema}.outbox as o where o.stream = moving.stream limit 1)`;
  const ofStreams = `moving.route in (select route from ${schema}.route where message_order = 'stream')`;
  await tx.query(`update ${schema}.stopped_stream as moving set lane = coalesce(${newLane}, moving.lane) where ${ofStreams}`);
  await tx.query(`
    update ${schema}.lane_action as moving
    set lane = coalesce(${newLane}, moving.lane)
    where moving.executed_at is null and moving.stream is not null and ${ofStreams}`);
  await tx.query(`
    update ${schema}.lane_action
    set executed_at = clock_timestamp(), outcome = 'refused', note = 'the number of lanes was changed'
    where executed_at is null and lane >= ${to}`);
  await tx.query(`delete from ${schema}.lane where lane >= ${to}`);
}
