import type { DeliveryAttempt, LaneLease, Settlement, StoppedStream } from '@waybill/core';
import { plainJson, plainText } from './plain-text.js';
import { windowOf } from './snapshot-window.js';

/** Longest answer of a target that the history keeps. */
const MOST_DETAIL = 1_000;

/** A settlement that is stored again, since the answer was lost, finds its lines among so many. */
const LAST_LINES = 50;

/**
 * SQL: a settlement, one statement.
 *
 * @param extras - with what ends orders, stops and resumes streams; without it is what most settlements are, and cheaper to plan. It also
 *   leaves the outbox alone, where a lock would look like a writer's to those that poll
 */
export const settleStatement = (schema: string, extras: boolean): string => `
  with settled as (
    update ${schema}.lane
    set window_from = $4::text::pg_snapshot, floor = $5::text::bigint, ceiling = $6::text::xid8, window_to = $7::text::pg_snapshot, to_floor = $8::text::bigint,
      to_ceiling = $9::text::xid8, position = $10::text::bigint, state = $11::text, failed_id = $12::text::uuid, failed_stream = $13::text,
      failed_revision = $14::text::bigint, attempts = $15::text::integer, next_try_at = to_timestamp($16::text::double precision / 1000),
      error_code = $17::text, last_error = $18::text, suspects = $19::text::integer
    where route = $1::text and lane = $2::integer and epoch = $3::text::bigint
      and (
        exists (select from ${schema}.incarnation where id = $20::text::uuid)
        or ((window_from::text, window_to::text, position) is not distinct from ($4::text, $7::text, $10::text::bigint)) -- stored already
      )
    returning route, lane, owner
  ), recorded as (
    insert into ${schema}.delivery_history (route_number, lane, at, instance, outcome, message_ids, started_at, duration_ms, detail)
    select r.number, settled.lane, clock_timestamp() + tried.nth * interval '1 microsecond', coalesce(settled.owner, ''), tried.outcome,
      tried.message_ids::uuid[], tried.started_at, tried.duration_ms, tried.detail
    from settled
    join ${schema}.route as r on r.route = settled.route
    cross join rows from (json_to_recordset($21::text::json) as (outcome text, first_id uuid, message_ids text, started_at timestamptz, duration_ms double precision, detail text))
      with ordinality as tried (outcome, first_id, message_ids, started_at, duration_ms, detail, nth)
    where not exists (
      select
      from (
        select h.started_at, h.outcome, h.message_ids
        from ${schema}.delivery_history as h
        where h.route_number = r.number and h.lane = settled.lane
        order by h.at desc
        limit ${LAST_LINES}
      ) as line
      where line.started_at = tried.started_at and line.outcome = tried.outcome and line.message_ids[1] = tried.first_id
    )
  )${extras ? extraWrites(schema) : ''}
  select (select count(*) from settled)::text as settled, l.epoch::text as epoch
  from ${schema}.lane as l
  where l.route = $1::text and l.lane = $2::integer`;

const extraWrites = (schema: string): string => `, executed as (
    update ${schema}.lane_action as action
    set executed_at = clock_timestamp(), outcome = done.outcome, note = done.note
    from json_to_recordset($22::text::json) as done (id bigint, outcome text, note text), settled
    where action.id = done.id and action.executed_at is null
  ), stopped as (
    insert into ${schema}.stopped_stream (
      route, lane, stream, from_revision, state, failed_id, failed_stream, failed_revision, attempts, next_try_at, error_code, last_error, stopped_at
    )
    select settled.route, settled.lane, s.*
    from settled, json_to_recordset($23::text::json) as s (
      stream text, from_revision bigint, state text, failed_id uuid, failed_stream text, failed_revision bigint, attempts integer, next_try_at timestamptz,
      error_code text, last_error text, stopped_at timestamptz
    )
    on conflict (route, lane, stream) do update set
      from_revision = excluded.from_revision, state = excluded.state, failed_id = excluded.failed_id, failed_stream = excluded.failed_stream,
      failed_revision = excluded.failed_revision, attempts = excluded.attempts, next_try_at = excluded.next_try_at,
      error_code = excluded.error_code, last_error = excluded.last_error, stopped_at = excluded.stopped_at
  ), resumed as (
    delete from ${schema}.stopped_stream as s
    using settled, json_array_elements_text($24::text::json) as delivered (stream)
    where s.route = settled.route and s.lane = settled.lane and s.stream = delivered.stream
  ), discarded as (
    insert into ${schema}.lane_action (route, lane, kind, message_id, stream, reason, executed_at, outcome)
    select settled.route, settled.lane, 'discard', gone.message_id, gone.stream, gone.reason, clock_timestamp(), 'done'
    from settled, json_to_recordset($25::text::json) as gone (message_id uuid, stream text, reason text)
    where not exists (
      select from ${schema}.lane_action as a where a.message_id = gone.message_id and a.route = settled.route and a.kind = 'discard'
    )
  ), placed as (
    update ${schema}.outbox as o
    set placeholder = true
    from settled, json_to_recordset($26::text::json) as p (stream text, revision bigint)
    where o.stream = p.stream and o.revision = p.revision
  )`;

export function hasExtras({ executed, stopped, resumed, discarded, placeholders }: Settlement): boolean {
  return [executed, stopped, resumed, discarded, placeholders].some((writes) => writes !== undefined && writes.length > 0);
}

export function settleValues(lease: LaneLease, settlement: Settlement): readonly unknown[] {
  const { from, floor, ceiling, to, toFloor, toCeiling, position, incarnation } = windowOf(settlement.checkpoint);
  const { state, failure, suspects, attempts = [] } = settlement;
  return [
    ...[lease.route, lease.lane, String(lease.epoch), from, floor, ceiling, to, toFloor, toCeiling, position, state],
    ...[failure?.messageId, failure?.stream, failure && String(failure.revision), String(failure?.attempts ?? 0)],
    ...[failure?.nextTryAt && String(failure.nextTryAt.getTime()), failure?.code, failure && plainText(failure.error), String(suspects)],
    ...[incarnation, plainJson(attempts.map(attemptColumns)), ...(hasExtras(settlement) ? extraValues(settlement) : [])],
  ];
}

function extraValues({ executed = [], stopped = [], resumed = [], discarded = [], placeholders = [] }: Settlement): readonly string[] {
  const staying = stopped.filter(({ stream }) => !resumed.includes(stream)); // one statement writes a row once
  return [
    plainJson(executed),
    plainJson(staying.map(stoppedColumns)),
    plainJson(resumed),
    plainJson(discarded.map(({ messageId, stream, reason }) => ({ message_id: messageId, stream, reason }))),
    plainJson(placeholders.map(({ stream, revision }) => ({ stream, revision }))),
  ];
}

const attemptColumns = ({ messageIds, outcome, startedAt, durationMs, detail }: DeliveryAttempt): object => ({
  ...{ outcome, first_id: messageIds[0], message_ids: `{${messageIds.join()}}`, started_at: startedAt, duration_ms: durationMs },
  detail: detail?.slice(0, MOST_DETAIL),
});

const stoppedColumns = ({ stream, fromRevision, state, failure, stoppedAt }: StoppedStream): object => ({
  ...{ stream, from_revision: fromRevision, state, failed_id: failure.messageId, failed_stream: failure.stream },
  ...{ failed_revision: failure.revision, attempts: failure.attempts, next_try_at: failure.nextTryAt, error_code: failure.code },
  ...{ last_error: failure.error, stopped_at: stoppedAt },
});
