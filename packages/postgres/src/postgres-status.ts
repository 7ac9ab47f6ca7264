import type { DeliveryStatus, MessageKind, MessagePlace, MessageProgress, StoredLane } from '@waybill/core';
import type { PostgresConnection } from './postgres-connection.js';
import { FAILURE_COLUMNS, failureOf } from './postgres-leases.js';
import type { FailureColumns } from './postgres-leases.js';

const MOST_COUNTED = 10_001;

interface ProgressColumns {
  readonly stream: string;
  readonly revision: string;
  readonly type: string;
  readonly kind: MessageKind;
  readonly lane: string;
  readonly passed: string;
  readonly skipped: string;
}

interface LaneColumns extends FailureColumns {
  readonly route: string;
  readonly lane: string;
  readonly owner: string | null;
  readonly epoch: string;
  readonly pending: string;
  readonly oldest_ms: string | null;
}

// A row is behind the checkpoint when it is visible in the window's start, or in the open window and at its place or before.
const PASSED = `(pg_visible_in_snapshot(o.transaction_id, l.window_from)
  or (l.window_to is not null and pg_visible_in_snapshot(o.transaction_id, l.window_to) and o.position <= l.position))`;

// What a lane has before it, by the functions that it reads with: the rest of its window, and what became visible behind an open one.
const REST_OF_WINDOW = placesOf(
  'l.window_from, l.window_to, coalesce(l.position, l.floor), case when l.position is null then l.ceiling end',
);
const BEHIND_WINDOW = placesOf('l.window_to, null, l.to_floor, l.to_ceiling');

function placesOf(window: string): readonly [call: string, order: string][] {
  return [
    [`read_lane(l.lane, ${window}`, 'stream'],
    [`read_all(${window}`, 'global'],
  ];
}

const behind = (schema: string, [call, order]: readonly [string, string]): string =>
  `select recorded_at from ${schema}.${call}, r.types, r.streams, ${MOST_COUNTED}) where r.message_order = '${order}'`;

export class PostgresStatus implements DeliveryStatus {
  readonly #progress: string;
  readonly #lanes: string;

  constructor(private readonly connection: PostgresConnection<never>) {
    const { schema } = connection;
    this.#progress = `
      select o.stream, o.revision::text as revision, o.type, o.kind, o.lane::text as lane, coalesce(${PASSED}, false)::text as passed,
        exists (
          select from ${schema}.lane_action as a
          where a.route = $1::text and a.kind = 'skip' and a.message_id = o.id and a.outcome = 'done'
        )::text as skipped
      from json_to_recordset($2::text::json) as wanted (stream text, revision bigint)
      join ${schema}.outbox as o on o.stream = wanted.stream and o.revision = wanted.revision
      left join ${schema}.route as r on r.route = $1::text
      left join ${schema}.lane as l on l.route = r.route and l.lane = case when r.message_order = 'global' then 0 else o.lane end`;
    this.#lanes = `
      select l.route, l.lane::text as lane, case when l.lease_until > clock_timestamp() then l.owner end as owner, l.epoch::text as epoch,
        pending.number::text as pending, pending.oldest_ms, ${FAILURE_COLUMNS}
      from ${schema}.lane as l
      join ${schema}.route as r on r.route = l.route
      cross join lateral (
        select count(*) as number, (date_part('epoch', min(behind.recorded_at)) * 1000)::bigint::text as oldest_ms
        from (
          ${REST_OF_WINDOW.map((place) => behind(schema, place)).join(`
          union all
          `)}
          union all
          ${BEHIND_WINDOW.map((place) => `${behind(schema, place)} and l.window_to is not null`).join(`
          union all
          `)}
          limit ${MOST_COUNTED}
        ) as behind
      ) as pending
      order by l.route, l.lane`;
  }

  async progress(route: string, messages: readonly MessagePlace[]): Promise<readonly MessageProgress[]> {
    const places = JSON.stringify(messages.map(({ stream, revision }) => ({ stream, revision: String(revision) })));
    const rows = await this.connection.query<ProgressColumns>(this.#progress, [route, places]);
    return rows.map(({ stream, revision, type, kind, lane, passed, skipped }) => ({
      ...{ stream, type, kind, revision: BigInt(revision), lane: Number(lane) },
      ...{ passed: passed === 'true', skipped: skipped === 'true' },
    }));
  }

  async lanes(): Promise<readonly StoredLane[]> {
    const rows = await this.connection.query<LaneColumns>(this.#lanes);
    return rows.map((row) => ({
      ...{ route: row.route, lane: Number(row.lane), state: row.state, failure: failureOf(row), owner: row.owner ?? undefined },
      ...{
        epoch: BigInt(row.epoch),
        pending: Number(row.pending),
        oldestAt: row.oldest_ms === null ? undefined : new Date(Number(row.oldest_ms)),
      },
    }));
  }
}
