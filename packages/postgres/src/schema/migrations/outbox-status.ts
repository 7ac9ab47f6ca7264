import { firstLines, lanesOfMessage, newestLines, WRITTEN } from './lane-lines.js';

/**
 * The view for people who know the pattern: what became of a message on each route that selects it. Cheap for one message, and for one
 * stream; nothing in it is stored twice.
 */
export const outboxStatus = (schema: string): string => `
create or replace view ${schema}.outbox_status as
select o.id as message_id, o.stream, o.revision, o.type, r.route, l.lane, standing.status, failed.number as fail_count, o.occurred_at,
  case when standing.status = 'DONE' then coalesce(
    (
      select max(h.at)
      from ${schema}.delivery_history as h
      where h.message_ids[1] = o.id and h.outcome <> 'delivered' and h.outcome in ('skipped', 'discarded') and h.route_number = r.number
    ),
    (
      select min(line.at)
      from ${lanesOfMessage(schema)} as was
      cross join lateral ${firstLines(schema, `coalesce(failed.at, ${WRITTEN})`)} as line
    ),
    (
      select min(line.at)
      from ${lanesOfMessage(schema)} as was
      cross join lateral ${newestLines(schema)} as line
    )
  ) end as processed_at,
  failed.at as failed_at, standing.error
from ${schema}.outbox as o
join ${schema}.route as r on r.retired_at is null
  and case when r.types is null then o.kind = 'event' else o.type = any (r.types) end
  and (r.streams is null or o.stream ^@ any (r.streams))
join ${schema}.lane as l on l.route = r.route and l.lane = case when r.message_order = 'global' then 0 else o.lane end
left join ${schema}.stopped_stream as s on s.route = l.route and s.lane = l.lane and s.stream = o.stream and s.from_revision <= o.revision
cross join lateral (
  select pg_visible_in_snapshot(o.transaction_id, l.window_from)
    or (l.window_to is not null and pg_visible_in_snapshot(o.transaction_id, l.window_to) and o.position <= l.position) as passed
) as place
cross join lateral (
  select
    case when s.stream is not null then 'FAILED' when place.passed then 'DONE' when l.state <> 'running' then 'FAILED' else 'WAITING' end as status,
    case when s.stream is not null then s.last_error when not place.passed and l.state <> 'running' then l.last_error end as error
) as standing
cross join lateral (
  select count(*) as number, max(h.at) as at
  from ${schema}.delivery_history as h
  where h.message_ids[1] = o.id and h.outcome <> 'delivered' and h.outcome in ('rejected', 'unavailable', 'unknown', 'crashed')
    and h.route_number = r.number
) as failed;`;
