-- What version 1 of the schema made, in the schema waybill with two lanes. Kept as it was: databases that it made are upgraded.
create schema waybill;
create table waybill.migration (version integer primary key, applied_at timestamptz not null default now());
insert into waybill.migration (version) values (1);

create table waybill.identity (
  only_row boolean primary key default true check (only_row),
  outbox_id uuid not null default gen_random_uuid(),
  lanes integer not null,
  system_identifier text not null,
  database_oid oid not null,
  created_at timestamptz not null default now()
);
insert into waybill.identity (lanes, system_identifier, database_oid)
select 2, (select system_identifier::text from pg_control_system()), (select oid from pg_database where datname = current_database());

-- Emptied by PostgreSQL when it recovers from a crash: whoever finds another id here than at the look before knows of it.
create unlogged table waybill.incarnation (
  only_row boolean primary key default true check (only_row),
  id uuid not null default gen_random_uuid()
);

create table waybill.stream (
  stream text collate "C" primary key,
  revision bigint not null,
  adopted_at bigint -- first revision written here of a stream that the event history had before
) with (fillfactor = 70);

create sequence waybill.outbox_position as bigint cache 1;

create table waybill.outbox (
  lane integer not null,
  position bigint not null default nextval('waybill.outbox_position'),
  stream_hash bigint not null,
  stream text collate "C" not null,
  revision bigint not null,
  id uuid not null,
  kind text not null,
  type text collate "C" not null,
  schema_version integer not null,
  codec text not null,
  payload json not null, -- json, not jsonb: what was written is what is delivered
  metadata json not null,
  aggregate_type text,
  aggregate_id text,
  transaction_id xid8 not null default pg_current_xact_id(),
  occurred_at timestamptz not null,
  recorded_at timestamptz not null default clock_timestamp(),
  primary key (lane, position)
);
create unique index outbox_stream on waybill.outbox (stream, revision);
create index outbox_transaction on waybill.outbox (transaction_id);

-- Moves the heads in name order, all of them before the first position is drawn: within a stream, position order is commit order.
-- streams: {stream, hash, mode, expected, number of messages} each; messages: {id, kind, type, schema version, codec, payload, metadata,
-- aggregate type, aggregate id, occurred at in ms} each, stream by stream. Answers the transaction's id and each stream's first revision.
-- Arrays and loops, for they cost least where most commits are: at one stream and one message.
create function waybill.append(streams text[], messages text[])
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
      update waybill.stream as head
      set revision = expected + number
      where head.stream = name and head.revision = expected
      returning head.revision into moved;
    elsif streams[place][3] = 'any' then
      insert into waybill.stream as head (stream, revision)
      values (name, number - 1)
      on conflict (stream) do update set revision = head.revision + number
      returning head.revision into moved;
    else -- 'new', 'adopt'
      insert into waybill.stream as head (stream, revision, adopted_at)
      values (name, coalesce(expected, -1) + number, expected + 1)
      on conflict (stream) do nothing
      returning head.revision into moved;
    end if;
    if moved is null then
      select head.revision into actual from waybill.stream as head where head.stream = name;
      raise exception 'stream is not where it was expected' using
        errcode = 'WB001',
        detail = json_build_object('stream', name, 'expected', expected::text, 'actual', actual::text)::text;
    end if;
    firsts[place] := moved - number + 1;
  end loop;

  for place in 1..array_length(streams, 1) loop
    for ordinal in 0..streams[place][5]::integer - 1 loop
      m := m + 1;
      insert into waybill.outbox (lane, stream_hash, stream, revision, id, kind, type, schema_version, codec, payload, metadata, aggregate_type, aggregate_id, occurred_at)
      values (
        streams[place][2]::bigint % 2, streams[place][2]::bigint, streams[place][1], firsts[place] + ordinal,
        messages[m][1]::uuid, messages[m][2], messages[m][3], messages[m][4]::integer, messages[m][5], messages[m][6]::json, messages[m][7]::json,
        messages[m][8], messages[m][9], to_timestamp(messages[m][10]::double precision / 1000)
      );
    end loop;
  end loop;

  return concat_ws(' ', pg_current_xact_id(), array_to_string(firsts, ' '));
end
$append$;


create function waybill.read_lane(lane_number integer, window_from pg_snapshot, window_to pg_snapshot, after bigint, ceiling xid8, types text[], streams text[], most integer)
returns setof waybill.outbox
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $read$
declare
  first bigint := after;
begin
  if ceiling is not null then
    first := least(after, 
    (select min(late.position) - 1 from waybill.outbox as late where late.transaction_id = any (array(select pg_snapshot_xip(window_from)))),
    (select min(late.position) - 1 from waybill.outbox as late where late.transaction_id >= pg_snapshot_xmax(window_from) and late.transaction_id < ceiling));
  end if;
  return query
  select o.*
  from ((
    select o.*
    from waybill.outbox as o
    where o.lane = lane_number and o.position > first
      and not pg_visible_in_snapshot(o.transaction_id, window_from)
      and (window_to is null or pg_visible_in_snapshot(o.transaction_id, window_to))
      and case when types is null then o.kind = 'event' else o.type = any (types) end
      and (streams is null or o.stream ^@ any (streams))
    order by o.position
    limit most)
  ) as o
  order by o.position
  limit most;
end
$read$;


create function waybill.read_all(window_from pg_snapshot, window_to pg_snapshot, after bigint, ceiling xid8, types text[], streams text[], most integer)
returns setof waybill.outbox
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $read$
declare
  first bigint := after;
begin
  if ceiling is not null then
    first := least(after, 
    (select min(late.position) - 1 from waybill.outbox as late where late.transaction_id = any (array(select pg_snapshot_xip(window_from)))),
    (select min(late.position) - 1 from waybill.outbox as late where late.transaction_id >= pg_snapshot_xmax(window_from) and late.transaction_id < ceiling));
  end if;
  return query
  select o.*
  from ((
    select o.*
    from waybill.outbox as o
    where o.lane = 0 and o.position > first
      and not pg_visible_in_snapshot(o.transaction_id, window_from)
      and (window_to is null or pg_visible_in_snapshot(o.transaction_id, window_to))
      and case when types is null then o.kind = 'event' else o.type = any (types) end
      and (streams is null or o.stream ^@ any (streams))
    order by o.position
    limit most)
    union all(
    select o.*
    from waybill.outbox as o
    where o.lane = 1 and o.position > first
      and not pg_visible_in_snapshot(o.transaction_id, window_from)
      and (window_to is null or pg_visible_in_snapshot(o.transaction_id, window_to))
      and case when types is null then o.kind = 'event' else o.type = any (types) end
      and (streams is null or o.stream ^@ any (streams))
    order by o.position
    limit most)
  ) as o
  order by o.position
  limit most;
end
$read$;

create table waybill.route (
  route text primary key,
  message_order text not null,
  types text[],
  streams text[],
  start text not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);

create table waybill.lane (
  route text not null references waybill.route,
  lane integer not null,
  owner text,
  epoch bigint not null default 0,
  lease_until timestamptz not null default '-infinity',
  released boolean not null default true,
  window_from pg_snapshot not null,
  floor bigint not null,
  ceiling xid8 not null,
  window_to pg_snapshot,
  to_floor bigint,
  to_ceiling xid8,
  position bigint,
  state text not null default 'running',
  failed_id uuid,
  failed_stream text,
  failed_revision bigint,
  attempts integer not null default 0,
  suspects integer not null default 0,
  next_try_at timestamptz,
  error_code text,
  last_error text,
  primary key (route, lane)
) with (fillfactor = 50);

create table waybill.lane_action (
  id bigint generated always as identity primary key,
  route text not null,
  lane integer not null,
  kind text not null,
  message_id uuid,
  reason text,
  requested_at timestamptz not null default clock_timestamp(),
  executed_at timestamptz,
  outcome text,
  note text
);
create index lane_action_due on waybill.lane_action (route, lane) where executed_at is null;

create table waybill.inbox (
  handler text not null,
  message_id text not null,
  source text not null,
  first_attempt_at timestamptz not null,
  claimed_at timestamptz not null default clock_timestamp(),
  primary key (handler, message_id)
);

create table waybill.idempotency (
  key text primary key,
  outcome json,
  claimed_at timestamptz not null default clock_timestamp()
);

create table waybill.snapshot (
  stream text collate "C" not null,
  version integer not null,
  revision bigint not null,
  state json not null,
  primary key (stream, version)
);
