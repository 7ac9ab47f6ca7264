import type { ClientSession, Db } from 'mongodb';
import type { ByHandInbox } from '../receive/by-hand-inbox.js';

export const BY_HAND_INBOX = 'inbox_by_hand';

/** Upserts: a duplicate key would end the transaction. */
export function byHandInbox(db: Db): ByHandInbox {
  const inbox = db.collection<{ _id: { handler: string; messageId: string } }>(BY_HAND_INBOX);
  const claim = async (messageId: string, session?: ClientSession): Promise<boolean> => {
    const _id = { handler: 'nothing', messageId };
    return (await inbox.updateOne({ _id }, { $setOnInsert: { handledAt: new Date() } }, { upsert: true, session })).upsertedCount === 1;
  };
  return {
    inTransaction: (messageId) => db.client.withSession((session) => session.withTransaction(() => claim(messageId, session))),
    alone: (messageId) => claim(messageId),
    count: () => inbox.countDocuments(),
  };
}
