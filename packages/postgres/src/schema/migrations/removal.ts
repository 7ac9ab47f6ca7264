/** Rows of one lane that are looked at in one statement: as many as may still go, but not fewer where long stopped streams lie between them. */
const MOST_IN_A_BATCH = 2_000;
const LEAST_IN_A_BATCH = 500;

/**
 * The removal of messages and of history.
 *
 * Lane by lane, each by position from a given place on, in a circle: whoever goes on where the last call ended does not look again at
 * what that call has kept, nor at dead rows that an old snapshot keeps from being vacuumed. A lane is over at a batch of which no row was
 * passed and old enough: what comes behind is a backlog, or young.
 *
 * No hole: a stream's rows have consecutive revisions, so its first in a batch may go when there is none right before it.
 */
export const removal = (schema: string): string => `
create function ${schema}.remove_messages(older_than_ms double precision, most integer, inout lane_number integer, inout place bigint, out removed integer)
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off as $remove$
declare
  lanes constant integer := (select i.lanes from ${schema}.identity as i);
  before constant timestamptz := clock_timestamp() - older_than_ms * interval '1 millisecond';
  first_lane constant integer := lane_number % lanes;
  first_place constant bigint := place;
  step integer := 0;
  asked integer;
  looked integer;
  done integer;
  last bigint;
  going bigint[];
begin
  removed := 0;
  -- One at a time; whoever comes meanwhile has nothing to do. A route that is new waits for the end of this: proof is about all of them.
  if not pg_try_advisory_xact_lock(hashtextextended('waybill removal from ' || ${literal(schema)}, 0)) then
    return;
  end if;
  lock table ${schema}.route in share mode;

  lane_number := first_lane;
  while step <= lanes and removed < most loop
    asked := least(${MOST_IN_A_BATCH}, greatest(${LEAST_IN_A_BATCH}, most - removed));
    with places as materialized (
      select l.window_from, l.window_to, l.position
      from ${schema}.route as r
      left join ${schema}.lane as l on l.route = r.route and l.lane = case when r.message_order = 'global' then 0 else lane_number end
      where r.retired_at is null
    ), batch as materialized (
      select o.position, o.stream, o.revision, o.recorded_at <= before and exists (select from places) and not exists (
        select from places as p
        where not coalesce(
          pg_visible_in_snapshot(o.transaction_id, p.window_from)
            or (p.window_to is not null and pg_visible_in_snapshot(o.transaction_id, p.window_to) and o.position <= p.position),
          false
        )
      ) as done
      from ${schema}.outbox as o
      where o.lane = lane_number and o.position > place and (step < lanes or o.position <= first_place)
      order by o.position
      limit asked
    ), judged as (
      select b.position, b.stream, b.revision, bool_and(
        b.done and not exists (select from ${schema}.stopped_stream as s where s.stream = b.stream and s.from_revision <= b.revision)
      ) over (partition by b.stream order by b.revision) as free, row_number() over (partition by b.stream order by b.revision) as nth
      from batch as b
    ), fronts as materialized (
      select j.stream
      from judged as j
      where j.nth = 1 and j.free and not exists (select from ${schema}.outbox as e where e.stream = j.stream and e.revision = j.revision - 1)
    )
    select count(*), count(*) filter (where b.done), max(b.position),
      array(select j.position from judged as j where j.free and j.stream in (select f.stream from fronts as f) order by j.position)
    into looked, done, last, going
    from batch as b;

    if cardinality(going) > most - removed then
      going := going[1:most - removed];
      last := going[most - removed];
    end if;
    if cardinality(going) > 0 then -- or its lock would look like a writer's to those that poll
      delete from ${schema}.outbox as o where o.lane = lane_number and o.position = any (going);
      removed := removed + cardinality(going);
    end if;

    if done > 0 and (looked = asked or removed = most) then
      place := last;
    else
      step := step + 1;
      lane_number := (lane_number + 1) % lanes;
      place := 0;
    end if;
  end loop;
  if removed > 0 then
    update ${schema}.identity set removed_before = greatest(removed_before, before);
  end if;
end
$remove$;

create function ${schema}.remove_history(older_than_ms double precision, most integer) returns integer
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off as $remove$
declare
  before constant timestamptz := clock_timestamp() - older_than_ms * interval '1 millisecond';
  removed integer := 0;
  number integer;
  place record;
begin
  for place in
    select r.number as route_number, lane
    from ${schema}.identity as i, ${schema}.route as r, generate_series(0, (select max(lanes) - 1 from unnest(i.lanes || i.former_lanes) as lanes)) as lane
  loop
    exit when removed >= most;
    delete from ${schema}.delivery_history
    where ctid = any (array(
      select h.ctid
      from ${schema}.delivery_history as h
      where h.route_number = place.route_number and h.lane = place.lane and h.at <= before
      order by h.at
      limit most - removed
      for update skip locked
    ));
    get diagnostics number = row_count;
    removed := removed + number;
  end loop;
  return removed;
end
$remove$;`;

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
