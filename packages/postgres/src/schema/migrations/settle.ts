/** A settlement that is stored again, since the answer was lost, finds its line among so many. */
const LAST_LINES = 50;

/**
 * What most settlements are, in one call: the lane's row under the lease's epoch, and a line of history for the batch that was delivered. A
 * function, for its plans are kept: to plan the same as one statement takes longer than to carry it out.
 */
export const settle = (schema: string): string => `
create function ${schema}.settle(
  settled_route text, settled_lane integer, lease_epoch bigint,
  new_window_from pg_snapshot, new_floor bigint, new_ceiling xid8, new_window_to pg_snapshot, new_to_floor bigint, new_to_ceiling xid8, new_position bigint,
  new_state text, new_failed_id uuid, new_failed_stream text, new_failed_revision bigint, new_attempts integer, new_next_try_at timestamptz, new_error_code text,
  new_last_error text, new_suspects integer,
  read_in uuid, -- the server's life in which the place was looked up
  tried_outcome text, tried_ids uuid[], tried_at timestamptz, tried_ms double precision, tried_detail text, -- null for none
  out settled boolean, out epoch bigint
)
language plpgsql as $settle$
declare
  holder text;
  number integer;
begin
  update ${schema}.lane as l
  set window_from = new_window_from, floor = new_floor, ceiling = new_ceiling, window_to = new_window_to, to_floor = new_to_floor,
    to_ceiling = new_to_ceiling, position = new_position, state = new_state, failed_id = new_failed_id, failed_stream = new_failed_stream,
    failed_revision = new_failed_revision, attempts = new_attempts, next_try_at = new_next_try_at, error_code = new_error_code,
    last_error = new_last_error, suspects = new_suspects
  where l.route = settled_route and l.lane = settled_lane and l.epoch = lease_epoch
    and (
      exists (select from ${schema}.incarnation as i where i.id = read_in)
      -- stored already
      or ((l.window_from::text, l.window_to::text, l.position) is not distinct from (new_window_from::text, new_window_to::text, new_position))
    )
  returning coalesce(l.owner, '') into holder;
  settled := found;
  if not settled then
    select l.epoch into epoch from ${schema}.lane as l where l.route = settled_route and l.lane = settled_lane;
    return;
  end if;
  epoch := lease_epoch;

  if tried_outcome is not null then
    select r.number into number from ${schema}.route as r where r.route = settled_route;
    if not exists (
      select
      from (
        select h.started_at, h.outcome, h.message_ids
        from ${schema}.delivery_history as h
        where h.route_number = number and h.lane = settled_lane
        order by h.at desc
        limit ${LAST_LINES}
      ) as line
      where line.started_at = tried_at and line.outcome = tried_outcome and line.message_ids[1] = tried_ids[1]
    ) then
      insert into ${schema}.delivery_history (route_number, lane, at, instance, outcome, message_ids, started_at, duration_ms, detail)
      values (number, settled_lane, clock_timestamp(), holder, tried_outcome, tried_ids, tried_at, tried_ms, tried_detail);
    end if;
  end if;
end
$settle$;`;
