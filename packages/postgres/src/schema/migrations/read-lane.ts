/** What lanes read with: one lane by its number, or all of them in one order. */
export const readFunctions = (schema: string, lanes: number): string => `
${readLane(schema, 'read_lane', 'lane_number integer, ', ['lane_number'])}

${readLane(
  schema,
  'read_all',
  '',
  // One branch a lane, each ordered by its index, so that they are merged row by row and not sorted.
  Array.from({ length: lanes }, (_, lane) => String(lane)),
)}`;

// The rows of a window, by position. Stable, so that it sees by its caller's snapshot, which the caller answers too; with the planner
// held to the index, for it cannot guess how many rows two snapshots leave, and a sort would read everything behind the checkpoint.
// A window begins at its floor, or lower where a transaction that was in progress in window_from had drawn a position by then: one
// that the snapshot lists, or one between its xmax and the ceiling, for it lists none beyond the last that had ended.
function readLane(schema: string, name: string, parameters: string, lanes: readonly string[]): string {
  const branch = (lane: string): string => `(
    select o.*
    from ${schema}.outbox as o
    where o.lane = ${lane} and o.position > first
      and not pg_visible_in_snapshot(o.transaction_id, window_from)
      and (window_to is null or pg_visible_in_snapshot(o.transaction_id, window_to))
      and case when types is null then o.kind = 'event' else o.type = any (types) end
      and (streams is null or o.stream ^@ any (streams))
    order by o.position
    limit most)`;
  return `
create or replace function ${schema}.${name}(${parameters}window_from pg_snapshot, window_to pg_snapshot, after bigint, ceiling xid8, types text[], streams text[], most integer)
returns setof ${schema}.outbox
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $read$
declare
  first bigint := after;
begin
  if ceiling is not null then
    first := least(after, ${lateRows(schema, 'window_from', 'ceiling')});
  end if;
  return query
  select o.*
  from (${lanes.map(branch).join(`
    union all`)}
  ) as o
  order by o.position
  limit most;
end
$read$;`;
}

/** SQL: right before the lowest position of a transaction that was in progress in a window's first snapshot; null where there is none. */
const lateRows = (schema: string, snapshot: string, ceiling: string): string => `
    (select min(late.position) - 1 from ${schema}.outbox as late where late.transaction_id = any (array(select pg_snapshot_xip(${snapshot})))),
    (select min(late.position) - 1 from ${schema}.outbox as late where late.transaction_id >= pg_snapshot_xmax(${snapshot}) and late.transaction_id < ${ceiling})`;
