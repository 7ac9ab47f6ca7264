import { advanceSubscriptionFunction } from './advance-subscription.js';
import { claimUnderLaneFunction } from './claim-under-lane.js';
import { lockProcessFunction } from './lock-process.js';
import type { Migration } from './migration.js';
import { claimRemoval } from './claim-removal.js';

/** What follows a log, what waits, and what needs a person; claims that a lane fences, and their removal. */
export const version5: Migration = {
  version: 5,
  sql: (schema) => `
-- Leases and places of what follows a log. Nothing that moves is indexed: an update stays on its page.
create table ${schema}.subscription (
  subscription text collate "C" primary key,
  number integer generated always as identity unique,
  positions text not null,
  position bigint,
  last_message bigint,
  last_occurred_at timestamptz,
  messages bigint not null default 0,
  moved_at timestamptz,
  owner text,
  epoch bigint not null default 0,
  lease_until timestamptz not null default '-infinity',
  released boolean not null default true,
  caught_up boolean not null default false,
  head bigint,
  paused boolean not null default false,
  resume json,
  state text not null default 'running',
  failed_id text,
  failed_type text,
  failed_stream text,
  failed_revision bigint,
  failed_position bigint,
  attempts integer,
  next_try_at timestamptz,
  error_code text,
  last_error text
) with (fillfactor = 50);

-- Of all subscriptions together: the holder of one that was removed must not fit one that was made anew.
create sequence ${schema}.subscription_epoch as bigint;

-- The last message of each stream that a subscription has done, for whoever waits for one.
create table ${schema}.subscription_stream (
  subscription_number integer not null,
  stream text collate "C" not null,
  revision bigint not null,
  primary key (subscription_number, stream)
) with (fillfactor = 70);

${advanceSubscriptionFunction(schema)}

create table ${schema}.projection (
  projection text collate "C" primary key,
  live integer not null default 1,
  rebuilding integer,
  last_generation integer not null default 1,
  switched_at timestamptz
);

create table ${schema}.process (
  process text collate "C" not null,
  key text collate "C" not null,
  status text not null,
  reason text,
  state json not null, -- json, not jsonb: what was written is what is read
  schema_version integer not null,
  steps json not null,
  step_states text[] not null, -- of the steps, to find by
  correlation_id text not null,
  started_at timestamptz not null default clock_timestamp(),
  changed_at timestamptz not null default clock_timestamp(),
  primary key (process, key)
) with (fillfactor = 70);
create index process_open on ${schema}.process (process, changed_at) where status in ('running', 'compensating');
create index process_over on ${schema}.process (process, changed_at) where status in ('completed', 'compensated');

create table ${schema}.process_timeout (
  process text collate "C" not null,
  key text collate "C" not null,
  timeout text collate "C" not null,
  id text not null,
  due_at timestamptz not null,
  primary key (process, key, timeout)
) with (fillfactor = 70);
create index process_timeout_due on ${schema}.process_timeout (process, due_at);

${lockProcessFunction(schema)}

create table ${schema}.open_case (
  id text collate "C" primary key,
  kind text not null,
  handler text not null, -- or process manager
  message_id text,
  message_type text,
  message_stream text,
  message_revision bigint,
  process_key text,
  process_step text,
  correlation_id text,
  detail text not null,
  opened_at timestamptz not null default clock_timestamp(),
  closed_at timestamptz,
  closed_by text,
  close_reason text
);
create index open_case_open on ${schema}.open_case (opened_at) where closed_at is null;

-- The message of the outbox that a claim is of, where it was made under one of its lanes: its removal is the proof that nobody asks again.
alter table ${schema}.inbox add column outbox_id uuid;
create index inbox_provable on ${schema}.inbox (claimed_at) where outbox_id is not null;
create index inbox_aging on ${schema}.inbox (first_attempt_at) where outbox_id is null;

${claimUnderLaneFunction(schema)}

${claimRemoval(schema)}
`,
};
