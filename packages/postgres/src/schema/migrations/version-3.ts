import { laneOfStream } from './lane-of-stream.js';
import type { Migration } from './migration.js';

/** What tells a restored or cloned outbox from the original, and what a change of the number of lanes rests on. */
export const version3: Migration = {
  version: 3,
  sql: (schema, lanes) => `
alter table ${schema}.identity
  add column name text,
  add column mark_number bigint not null default 0,
  add column mark_nonce uuid not null default gen_random_uuid();

${laneOfStream(schema, lanes)}
`,
};
