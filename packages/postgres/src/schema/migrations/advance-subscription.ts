/**
 * Moves a subscription on, under its holder's epoch: returns its number, or null where the epoch is another one by now.
 *
 * A function, for a session keeps the plans of its statements: planned anew for each message they take twice the time of everything else in its
 * transaction. The subscription's row first: of two transactions that move one on, the second waits there, before it touches a stream.
 *
 * From here on the transaction holds the row, and only its commit is to come: for that of a machine that was cut off the server would wait for
 * hours, and nobody could take over. It waits until the lease is over.
 */
export const advanceSubscriptionFunction = (schema: string): string => `
create function ${schema}.advance_subscription(wanted text, held bigint, place bigint, place_of_message bigint, occurred_ms double precision, more bigint, places json)
returns integer
language plpgsql as $advance$
declare
  moved integer;
  left_ms bigint;
begin
  update ${schema}.subscription as s
  set position = greatest(s.position, place), last_message = greatest(s.last_message, place_of_message),
    last_occurred_at = coalesce(to_timestamp(occurred_ms / 1000), s.last_occurred_at),
    messages = s.messages + more, moved_at = clock_timestamp(), state = 'running',
    failed_id = null, failed_type = null, failed_stream = null, failed_revision = null, failed_position = null,
    attempts = null, next_try_at = null, error_code = null, last_error = null
  where s.subscription = wanted and s.epoch = held
  returning s.number, greatest(extract(epoch from s.lease_until - clock_timestamp()) * 1000, 1000) into moved, left_ms;
  if moved is null then
    return null;
  end if;
  perform set_config('idle_in_transaction_session_timeout', left_ms::text, true);

  insert into ${schema}.subscription_stream as kept (subscription_number, stream, revision)
  select moved, one.stream, one.revision
  from json_to_recordset(places) as one (stream text, revision bigint)
  on conflict (subscription_number, stream) do update set revision = excluded.revision
  where kept.revision < excluded.revision;

  return moved;
end
$advance$;`;
