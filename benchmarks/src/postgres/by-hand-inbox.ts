import type { Pool } from 'pg';
import type { ByHandInbox } from '../receive/by-hand-inbox.js';
import { inTransaction } from './in-transaction.js';

export const BY_HAND_INBOX = `create table public.inbox_by_hand (handler text, message_id text, handled_at timestamptz not null default now(), primary key (handler, message_id))`;
const CLAIM = `insert into public.inbox_by_hand (handler, message_id) values ('nothing', $1) on conflict do nothing`;

export const byHandInbox = (pool: Pool): ByHandInbox => ({
  async inTransaction(messageId) {
    let isNew = false;
    await inTransaction(pool, async (client) => {
      isNew = (await client.query(CLAIM, [messageId])).rowCount === 1;
    });
    return isNew;
  },
  alone: async (messageId) => (await pool.query(CLAIM, [messageId])).rowCount === 1,
  count: async () => (await pool.query<{ count: number }>('select count(*)::integer as count from public.inbox_by_hand')).rows[0]!.count,
});
