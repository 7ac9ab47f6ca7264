import type { Binary, MongoClient } from 'mongodb';

/**
 * Ends sessions of processes that are gone, with the transactions that may be open in them, which the server would keep for a minute. Where
 * that is not permitted the server's limit has to be waited for.
 */
export async function endSessions(client: MongoClient, sessions: readonly Binary[]): Promise<void> {
  if (sessions.length === 0) return;
  await client
    .db('admin')
    .command({ killSessions: sessions.map((id) => ({ id })) })
    .catch(() => {});
}
