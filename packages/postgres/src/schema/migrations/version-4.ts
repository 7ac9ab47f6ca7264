import type { Migration } from './migration.js';
import { outboxStatus } from './outbox-status.js';
import { takePermitFunction } from './take-permit.js';

/** What messages that are sent to others, and those that arrive from them, need: which came before, and how much may be asked of a target. */
export const version4: Migration = {
  version: 4,
  sql: (schema) => `
-- The last message of each stream that a route delivered, for sinks that tell their target which one came before.
create table ${schema}.delivered_stream (
  route_number integer not null,
  stream text collate "C" not null,
  revision bigint not null,
  primary key (route_number, stream)
) with (fillfactor = 70);

-- The last message of each stream that a receiver took.
create table ${schema}.arrival (
  receiver text not null,
  source text not null,
  stream text collate "C" not null,
  revision bigint not null,
  epoch bigint,
  arrived_at timestamptz not null default clock_timestamp(),
  primary key (receiver, source, stream)
) with (fillfactor = 70);

-- Limits that hold across processes: a token bucket, and permits in use.
create table ${schema}.shared_limit (
  name text primary key,
  tokens double precision not null,
  filled_at timestamptz not null
) with (fillfactor = 50);

create table ${schema}.shared_permit (
  name text not null,
  permit uuid not null,
  expires_at timestamptz not null,
  primary key (name, permit)
) with (fillfactor = 50);

${takePermitFunction(schema)}

-- Since a try can end without anybody knowing what came of it.
${outboxStatus(schema)}`,
};
