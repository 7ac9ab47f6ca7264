import { readFile } from 'node:fs/promises';
import { PostgresDatabase } from '@waybill/postgres';
import { aMessage, anAppend } from '@waybill/testing';
import type { Pool } from 'pg';

const SCHEMA = new URL('../../src/postgres/version-1.sql', import.meta.url);

export const LANES_OF_VERSION_1 = 2;

/**
 * An outbox as version 1 left it. Its route `mail` has delivered the two messages of `done-1`, which is in lane 0; lane 1 is halted at the first of
 * two messages of `bad-2`, with one of `late-2` behind it.
 */
export async function outboxOfVersion1(pool: Pool): Promise<void> {
  await pool.query(await readFile(SCHEMA, 'utf8'));
  const { transactions, outbox } = new PostgresDatabase({ pool, lanes: LANES_OF_VERSION_1 }); // the append has not changed
  const commit = (stream: string, ...types: readonly string[]): Promise<unknown> =>
    transactions.run((tx) => outbox.append([anAppend(stream, { messages: types.map((type) => aMessage(type)) })], tx));
  await commit('done-1', 'A', 'B');
  await commit('bad-2', 'C', 'D');
  await commit('late-2', 'E');

  await pool.query(`
    insert into waybill.route (route, message_order, start) values ('mail', 'stream', 'beginning');

    insert into waybill.lane (route, lane, epoch, window_from, floor, ceiling)
    select 'mail', 0, 7, pg_current_snapshot(), last_value, pg_snapshot_xmax(pg_current_snapshot()) from waybill.outbox_position;

    insert into waybill.lane (
      route, lane, epoch, window_from, floor, ceiling, state, failed_id, failed_stream, failed_revision, attempts, error_code, last_error
    )
    select 'mail', 1, 3, '1:1:', 0, '0', 'halted', id, stream, revision, 10, 'MESSAGE_REJECTED', 'no such account'
    from waybill.outbox
    where stream = 'bad-2' and revision = 0;

    insert into waybill.lane_action (route, lane, kind, reason, executed_at, outcome) values ('mail', 0, 'resume', 'looked at it', now(), 'done')`);
}
