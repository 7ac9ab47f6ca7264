import { STREAM_MOVED } from '../../postgres-errors.js';

/** The number of lanes is in its text: a parameter would cost every commit. */
export const appendFunction = (schema: string, lanes: number): string => `
-- Moves the heads in name order, all of them before the first position is drawn: within a stream, position order is commit order.
-- streams: {stream, hash, mode, expected, number of messages} each; messages: {id, kind, type, schema version, codec, payload, metadata,
-- aggregate type, aggregate id, occurred at in ms} each, stream by stream. Answers the transaction's id and each stream's first revision.
-- Arrays and loops, for they cost least where most commits are: at one stream and one message.
create or replace function ${schema}.append(streams text[], messages text[])
returns text
language plpgsql as $append$
declare
  places integer[] := '{1}';
  place integer;
  name text;
  expected bigint;
  number integer;
  moved bigint;
  actual bigint;
  firsts bigint[] := '{}';
  m integer := 0;
begin
  if array_length(streams, 1) > 1 then
    places := array(select n from generate_subscripts(streams, 1) as n order by streams[n][1] collate "C");
  end if;
  foreach place in array places loop
    name := streams[place][1];
    expected := streams[place][4];
    number := streams[place][5];
    moved := null;
    if streams[place][3] = 'exact' then
      update ${schema}.stream as head
      set revision = expected + number
      where head.stream = name and head.revision = expected
      returning head.revision into moved;
    elsif streams[place][3] = 'any' then
      insert into ${schema}.stream as head (stream, revision)
      values (name, number - 1)
      on conflict (stream) do update set revision = head.revision + number
      returning head.revision into moved;
    else -- 'new', 'adopt'
      insert into ${schema}.stream as head (stream, revision, adopted_at)
      values (name, coalesce(expected, -1) + number, expected + 1)
      on conflict (stream) do nothing
      returning head.revision into moved;
    end if;
    if moved is null then
      select head.revision into actual from ${schema}.stream as head where head.stream = name;
      raise exception 'stream is not where it was expected' using
        errcode = '${STREAM_MOVED}',
        detail = json_build_object('stream', name, 'expected', expected::text, 'actual', actual::text)::text;
    end if;
    firsts[place] := moved - number + 1;
  end loop;

  for place in 1..array_length(streams, 1) loop
    for ordinal in 0..streams[place][5]::integer - 1 loop
      m := m + 1;
      insert into ${schema}.outbox (lane, stream_hash, stream, revision, id, kind, type, schema_version, codec, payload, metadata, aggregate_type, aggregate_id, occurred_at)
      values (
        streams[place][2]::bigint % ${lanes}, streams[place][2]::bigint, streams[place][1], firsts[place] + ordinal,
        messages[m][1]::uuid, messages[m][2], messages[m][3], messages[m][4]::integer, messages[m][5], messages[m][6]::json, messages[m][7]::json,
        messages[m][8], messages[m][9], to_timestamp(messages[m][10]::double precision / 1000)
      );
    end loop;
  end loop;

  return concat_ws(' ', pg_current_xact_id(), array_to_string(firsts, ' '));
end
$append$;`;
