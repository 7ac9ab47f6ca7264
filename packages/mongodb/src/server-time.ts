import type { Document } from 'mongodb';
import type { MongoDBCollections } from './mongodb-collections.js';

/** The server's clock: no process's own says how old something is. */
export async function serverTime({ identity }: MongoDBCollections): Promise<Date> {
  const [found] = await identity.aggregate<Document>([{ $match: { _id: 'outbox' } }, { $project: { now: '$$NOW' } }]).toArray();
  return (found?.['now'] as Date | undefined) ?? new Date(0);
}
