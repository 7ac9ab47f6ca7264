import { appendFunction } from './append.js';
import type { Migration } from './migration.js';
import { readFunctions } from './read-lane.js';

/**
 * The tables of a commit and of its delivery, the append, and the functions that lanes read with.
 *
 * Index costs are paid by every commit: (lane, position) serves lanes, (stream, revision) loading and receipts, (transaction_id) the
 * rows of transactions that were in progress when a window was taken.
 */
export const version1: Migration = {
  version: 1,
  sql: (schema, lanes) => `
create table ${schema}.identity (
  only_row boolean primary key default true check (only_row),
  outbox_id uuid not null default gen_random_uuid(),
  lanes integer not null,
  system_identifier text not null,
  database_oid oid not null,
  created_at timestamptz not null default now()
);
insert into ${schema}.identity (lanes, system_identifier, database_oid)
select ${lanes}, (select system_identifier::text from pg_control_system()), (select oid from pg_database where datname = current_database());

-- Emptied by PostgreSQL when it recovers from a crash: whoever finds another id here than at the look before knows of it.
create unlogged table ${schema}.incarnation (
  only_row boolean primary key default true check (only_row),
  id uuid not null default gen_random_uuid()
);

create table ${schema}.stream (
  stream text collate "C" primary key,
  revision bigint not null,
  adopted_at bigint -- first revision written here of a stream that the event history had before
) with (fillfactor = 70);

create sequence ${schema}.outbox_position as bigint cache 1;

create table ${schema}.outbox (
  lane integer not null,
  position bigint not null default nextval('${schema.replaceAll("'", "''")}.outbox_position'),
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
create unique index outbox_stream on ${schema}.outbox (stream, revision);
create index outbox_transaction on ${schema}.outbox (transaction_id);

${appendFunction(schema, lanes)}

${readFunctions(schema, lanes)}

create table ${schema}.route (
  route text primary key,
  message_order text not null,
  types text[],
  streams text[],
  start text not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);

create table ${schema}.lane (
  route text not null references ${schema}.route,
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

create table ${schema}.lane_action (
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
create index lane_action_due on ${schema}.lane_action (route, lane) where executed_at is null;

create table ${schema}.inbox (
  handler text not null,
  message_id text not null,
  source text not null,
  first_attempt_at timestamptz not null,
  claimed_at timestamptz not null default clock_timestamp(),
  primary key (handler, message_id)
);

create table ${schema}.idempotency (
  key text primary key,
  outcome json,
  claimed_at timestamptz not null default clock_timestamp()
);

create table ${schema}.snapshot (
  stream text collate "C" not null,
  version integer not null,
  revision bigint not null,
  state json not null,
  primary key (stream, version)
);
`,
};
