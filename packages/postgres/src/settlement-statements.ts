/** A settlement that is stored again, since the answer was lost, finds its lines among so many. */
const LAST_LINES = 50;

const CALL = `settle(
    $1::text, $2::integer, $3::text::bigint, $4::text::pg_snapshot, $5::text::bigint, $6::text::xid8, $7::text::pg_snapshot, $8::text::bigint,
    $9::text::xid8, $10::text::bigint, $11::text, $12::text::uuid, $13::text, $14::text::bigint, $15::text::integer,
    to_timestamp($16::text::double precision / 1000), $17::text, $18::text, $19::text::integer, $20::text::uuid,
    $21::text, $22::uuid[], to_timestamp($23::text::double precision / 1000), $24::text::double precision, $25::text)`;

/** SQL: what most settlements are. It leaves the outbox alone, where a lock would look like a writer's to those that poll. */
export const settleStatement = (schema: string): string => `select settled::text as settled, epoch::text as epoch from ${schema}.${CALL}`;

/** SQL: the same and more, in one statement: ends orders, stops and resumes streams, has several lines for the history. */
export const settleAllStatement = (schema: string): string => `
  with answer as materialized (
    select settled, epoch from ${schema}.${CALL}
  ), settled as (
    select l.route, l.lane, l.owner, r.number
    from ${schema}.lane as l
    join ${schema}.route as r on r.route = l.route
    where l.route = $1::text and l.lane = $2::integer and (select answer.settled from answer)
  ), recorded as (
    insert into ${schema}.delivery_history (route_number, lane, at, instance, outcome, message_ids, started_at, duration_ms, detail)
    select settled.number, settled.lane, clock_timestamp() + tried.nth * interval '1 microsecond', coalesce(settled.owner, ''), tried.outcome,
      tried.message_ids::uuid[], tried.started_at, tried.duration_ms, tried.detail
    from settled
    cross join rows from (json_to_recordset($26::text::json) as (outcome text, first_id uuid, message_ids text, started_at timestamptz, duration_ms double precision, detail text))
      with ordinality as tried (outcome, first_id, message_ids, started_at, duration_ms, detail, nth)
    where not exists (
      select
      from (
        select h.started_at, h.outcome, h.message_ids
        from ${schema}.delivery_history as h
        where h.route_number = settled.number and h.lane = settled.lane
        order by h.at desc
        limit ${LAST_LINES}
      ) as line
      where line.started_at = tried.started_at and line.outcome = tried.outcome and line.message_ids[1] = tried.first_id
    )
  ), executed as (
    update ${schema}.lane_action as action
    set executed_at = clock_timestamp(), outcome = done.outcome, note = done.note
    from json_to_recordset($27::text::json) as done (id bigint, outcome text, note text), settled
    where action.id = done.id and action.executed_at is null
  ), stopped as (
    insert into ${schema}.stopped_stream (
      route, lane, stream, from_revision, state, failed_id, failed_stream, failed_revision, attempts, next_try_at, error_code, last_error, stopped_at
    )
    select settled.route, settled.lane, s.*
    from settled, json_to_recordset($28::text::json) as s (
      stream text, from_revision bigint, state text, failed_id uuid, failed_stream text, failed_revision bigint, attempts integer, next_try_at timestamptz,
      error_code text, last_error text, stopped_at timestamptz
    )
    on conflict (route, lane, stream) do update set
      from_revision = excluded.from_revision, state = excluded.state, failed_id = excluded.failed_id, failed_stream = excluded.failed_stream,
      failed_revision = excluded.failed_revision, attempts = excluded.attempts, next_try_at = excluded.next_try_at,
      error_code = excluded.error_code, last_error = excluded.last_error, stopped_at = excluded.stopped_at
  ), resumed as (
    delete from ${schema}.stopped_stream as s
    using settled, json_array_elements_text($29::text::json) as delivered (stream)
    where s.route = settled.route and s.lane = settled.lane and s.stream = delivered.stream
  ), discarded as (
    insert into ${schema}.lane_action (route, lane, kind, message_id, stream, reason, executed_at, outcome)
    select settled.route, settled.lane, 'discard', gone.message_id, gone.stream, gone.reason, clock_timestamp(), 'done'
    from settled, json_to_recordset($30::text::json) as gone (message_id uuid, stream text, reason text)
    where not exists (
      select from ${schema}.lane_action as a where a.message_id = gone.message_id and a.route = settled.route and a.kind = 'discard'
    )
  ), placed as (
    update ${schema}.outbox as o
    set placeholder = true
    from settled, json_to_recordset($31::text::json) as p (stream text, revision bigint)
    where o.stream = p.stream and o.revision = p.revision
  ), delivered as (
    insert into ${schema}.delivered_stream as d (route_number, stream, revision)
    select settled.number, last.stream, max(last.revision)
    from settled, json_to_recordset($32::text::json) as last (stream text, revision bigint)
    group by settled.number, last.stream
    on conflict (route_number, stream) do update set revision = excluded.revision where d.revision < excluded.revision
  )
  select settled::text as settled, epoch::text as epoch from answer`;
