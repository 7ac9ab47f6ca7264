import type { Migration } from './migration.js';
import { outboxStatus } from './outbox-status.js';
import { removal } from './removal.js';
import { settle } from './settle.js';

/** Who is alive, streams that wait while their lane goes on, what was tried when, and the removal of what nobody needs any more. */
export const version2: Migration = {
  version: 2,
  sql: (schema) => `
-- Nothing here rewrites a table: new columns have no default, or one that is kept beside the rows.
alter table ${schema}.identity
  add column removed_before timestamptz, -- rows written before then may have been removed; null where none were
  add column last_epoch bigint not null default 0, -- no lane that ended had a later one; new lanes begin behind it
  add column former_lanes integer[] not null default '{}'; -- numbers of lanes that there were before

-- In the message's place a sink of whole streams has a placeholder.
alter table ${schema}.outbox add column placeholder boolean;
-- One message is looked up by it. Hash, for ids are random and every commit pays: 5 to 14 microseconds a row, where a btree took 14 to 25.
create index outbox_message on ${schema}.outbox using hash (id);

-- What refers to a route by its number need not be touched when it gets another name.
alter table ${schema}.route add column number integer generated always as identity unique;

alter table ${schema}.lane
  drop constraint lane_route_fkey,
  add foreign key (route) references ${schema}.route on update cascade;

alter table ${schema}.lane_action add column stream text collate "C", add column requested_by text;
create index lane_action_route on ${schema}.lane_action (route, id);
create index lane_action_message on ${schema}.lane_action (message_id) where message_id is not null;

create table ${schema}.instance (
  route text not null,
  id text collate "C" not null,
  name text not null,
  alive_until timestamptz not null,
  primary key (route, id)
) with (fillfactor = 50);

-- Goes with its lane: an entry that stayed behind would hold back rows for ever.
create table ${schema}.stopped_stream (
  route text not null,
  lane integer not null,
  stream text collate "C" not null,
  from_revision bigint not null,
  state text not null,
  failed_id uuid not null,
  failed_stream text not null,
  failed_revision bigint not null,
  attempts integer not null,
  next_try_at timestamptz,
  error_code text not null,
  last_error text not null,
  stopped_at timestamptz not null,
  primary key (route, lane, stream),
  foreign key (route, lane) references ${schema}.lane on update cascade on delete cascade
);
create index stopped_stream_stream on ${schema}.stopped_stream (stream);

-- A line for each try: the messages of a batch that was delivered, or the one that was not.
create table ${schema}.delivery_history (
  route_number integer not null,
  lane integer not null,
  at timestamptz not null, -- when it was recorded, by this clock; started_at is the holder's
  instance text not null,
  outcome text not null,
  message_ids uuid[] not null,
  started_at timestamptz not null,
  duration_ms double precision not null,
  detail text
);
-- Random bytes: to try to compress them is time lost.
alter table ${schema}.delivery_history alter column message_ids set storage external;
create index delivery_history_lane on ${schema}.delivery_history (route_number, lane, at);
create index delivery_history_not_delivered on ${schema}.delivery_history ((message_ids[1])) where outcome <> 'delivered';

${settle(schema)}

${outboxStatus(schema)}

${removal(schema)}
`,
};
