import { LANE_LOST } from '../../postgres-errors.js';

/**
 * The claim of a message of our own: (handler, message), unless the lane has another epoch by now.
 *
 * First the claim, then the look at the lane: who takes the lane after this look waits for this claim when it makes its own. Where a
 * transaction sees the past only, the lane's row is locked to learn whether it has changed since: that fails as a conflict, and is repeated. The
 * weakest lock, for leases are given past it.
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
  if current_setting('transaction_isolation') <> 'read committed' then
    perform from ${schema}.lane as l where l.route = route_name and l.lane = lane_number for key share;
  end if;
  if not exists (select from ${schema}.lane as l where l.route = route_name and l.lane = lane_number and l.epoch = held) then
    raise exception 'lane is lost' using
      errcode = '${LANE_LOST}',
      detail = json_build_object('route', route_name, 'lane', lane_number, 'epoch', held::text)::text;
  end if;
  return is_new;
end
$claim$;`;
