import type {
  AttemptQuery,
  DeliveryStatus,
  MessageKind,
  MessagePlace,
  MessageProgress,
  MessageQuery,
  MessageStatus,
  RouteStoppedStream,
  StoppedQuery,
  StoppedState,
  StoredAttempt,
  StoredLane,
} from '@waybill/core';
import { laneFailureOf } from './failure-columns.js';
import { MessageHistory } from './message-history.js';
import type { PostgresConnection } from './postgres-connection.js';
import { LANE_COLUMNS } from './postgres-leases.js';
import type { LaneColumns } from './postgres-leases.js';
import { STOPPED_COLUMNS, stoppedOf } from './stopped-columns.js';
import type { StoppedColumns } from './stopped-columns.js';

const MOST_COUNTED = 10_001;

interface ProgressColumns {
  readonly stream: string;
  readonly revision: string;
  /** This and what follows are null for a message that was removed. */
  readonly type: string | null;
  readonly kind: MessageKind;
  readonly lane: string;
  readonly passed: string;
  readonly stopped: StoppedState | null;
  readonly skipped: string;
}

interface StatusColumns extends LaneColumns {
  readonly route: string;
  readonly lane: string;
  readonly owner: string | null;
  readonly epoch: string;
  readonly pending: string;
  readonly oldest_ms: string | null;
  readonly stopped: string;
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
  readonly #stopped: string;
  readonly #history: MessageHistory;

  constructor(private readonly connection: PostgresConnection<never>) {
    const { schema } = connection;
    this.#history = new MessageHistory(connection);
    // A head that is further than a row that is not there: it was removed, for every route was done with it.
    this.#progress = `
      select wanted.stream, wanted.revision::text as revision, o.type, o.kind, o.lane::text as lane,
        (o.stream is null or coalesce(${PASSED}, false))::text as passed, s.state as stopped,
        exists (
          select from ${schema}.lane_action as a
          where a.route = $1::text and a.kind in ('skip', 'discard') and a.message_id = o.id and a.outcome = 'done'
        )::text as skipped
      from json_to_recordset($2::text::json) as wanted (stream text, revision bigint)
      join ${schema}.stream as head on head.stream = wanted.stream and head.revision >= wanted.revision
      left join ${schema}.outbox as o on o.stream = wanted.stream and o.revision = wanted.revision
      left join ${schema}.route as r on r.route = $1::text
      left join ${schema}.lane as l on l.route = r.route and l.lane = case when r.message_order = 'global' then 0 else o.lane end
      left join ${schema}.stopped_stream as s on s.route = l.route and s.lane = l.lane and s.stream = o.stream and s.from_revision <= o.revision`;
    this.#lanes = `
      select l.route, l.lane::text as lane, case when l.lease_until > clock_timestamp() then l.owner end as owner, l.epoch::text as epoch,
        pending.number::text as pending, pending.oldest_ms, ${LANE_COLUMNS},
        (select count(*) from ${schema}.stopped_stream as s where s.route = l.route and s.lane = l.lane)::text as stopped
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
    this.#stopped = `
      select s.route, s.lane::text as lane, ${STOPPED_COLUMNS}
      from ${schema}.stopped_stream as s
      where ($1::text is null or s.route = $1::text) and ($2::text is null or s.stream = $2::text)
        and ($3::text is null or s.state = $3::text) and ($4::text is null or s.error_code = $4::text)
      order by s.stopped_at, s.route, s.stream
      limit $5::text::bigint`;
  }

  async progress(route: string, messages: readonly MessagePlace[]): Promise<readonly MessageProgress[]> {
    const places = JSON.stringify(messages.map(({ stream, revision }) => ({ stream, revision: String(revision) })));
    const rows = await this.connection.query<ProgressColumns>(this.#progress, [route, places]);
    return rows.map(progressOf);
  }

  async lanes(): Promise<readonly StoredLane[]> {
    const rows = await this.connection.query<StatusColumns>(this.#lanes);
    return rows.map((row) => ({
      ...{ route: row.route, lane: Number(row.lane), state: row.state, failure: laneFailureOf(row), owner: row.owner ?? undefined },
      ...{ epoch: BigInt(row.epoch), suspects: Number(row.suspects), pending: Number(row.pending), stopped: Number(row.stopped) },
      oldestAt: row.oldest_ms === null ? undefined : new Date(Number(row.oldest_ms)),
    }));
  }

  async stopped({ route, stream, state, code, most }: StoppedQuery): Promise<readonly RouteStoppedStream[]> {
    const values = [route, stream, state, code, String(most)];
    const rows = await this.connection.query<StoppedColumns & Record<'route' | 'lane', string>>(this.#stopped, values);
    return rows.map((row) => ({ ...stoppedOf(row), route: row.route, lane: Number(row.lane) }));
  }

  messages(query: MessageQuery): Promise<readonly MessageStatus[]> {
    return this.#history.messages(query);
  }

  attempts(query: AttemptQuery): Promise<readonly StoredAttempt[]> {
    return this.#history.attempts(query);
  }
}

function progressOf({ stream, revision, type, kind, lane, passed, stopped, skipped }: ProgressColumns): MessageProgress {
  const place = { stream, revision: BigInt(revision) };
  if (type === null) return { ...place, passed: true, skipped: false };
  return {
    ...{ ...place, type, kind, lane: Number(lane), passed: passed === 'true' && stopped === null, skipped: skipped === 'true' },
    ...(passed === 'true' && stopped !== null && { stopped }),
  };
}
