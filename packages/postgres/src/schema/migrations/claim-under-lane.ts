import { LANE_LOST } from '../../postgres-errors.js';

/** SQLSTATE that nobody sees. */
const UNCHANGED = 'WB003';

/**
 * The claim of a message of our own: (handler, message), unless the lane has another epoch by now.
 *
 * First the claim, then the look at the lane: who takes the lane after this look waits for this claim when it makes its own. A transaction that
 * sees the past only learns from a lock whether the row has changed since: then it fails as a conflict, and is repeated. The lock is given back
 * at once, by an inner transaction that rolls back: renewals and the next holder must not wait for a handler.
 */
export const claimUnderLaneFunction = (schema: string): string => `
create function ${schema}.claim_under_lane(handler_name text, message text, came_by text, first_try_ms double precision, route_name text, lane_number integer, held bigint, own_id uuid)
returns boolean
language plpgsql as $claim$
declare
  is_ours constant boolean := exists (select from ${schema}.route as r where r.route = route_name);
  is_new boolean;
begin
  insert into ${schema}.inbox (handler, message_id, source, first_attempt_at, outbox_id)
  values (handler_name, message, came_by, to_timestamp(first_try_ms / 1000), case when is_ours then own_id end)
  on conflict do nothing;
  is_new := found;
  if not is_ours then
    return is_new;
  end if;
  if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
    begin
      perform from ${schema}.lane as l where l.route = route_name and l.lane = lane_number for share;
      raise exception 'has not changed' using errcode = '${UNCHANGED}';
    exception when sqlstate '${UNCHANGED}' then
      null;
    end;
  end if;
  if not exists (select from ${schema}.lane as l where l.route = route_name and l.lane = lane_number and l.epoch = held) then
    raise exception 'lane is lost' using
      errcode = '${LANE_LOST}',
      detail = json_build_object('route', route_name, 'lane', lane_number, 'epoch', held::text)::text;
  end if;
  return is_new;
end
$claim$;`;
