import type { MessagePlace } from '@waybill/core';
import { MaxKey } from 'mongodb';
import type { AnyBulkWriteOperation, Filter } from 'mongodb';
import { int64 } from './int64.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import type { PassedDocument } from './stored-documents.js';

/** What to write for the last revision of each stream that a subscription has done; none goes back. */
export const passedWrites = (life: string, places: readonly MessagePlace[]): AnyBulkWriteOperation<PassedDocument>[] =>
  places.map(({ stream, revision }) => ({
    updateOne: { filter: { _id: { subscription: life, stream } }, update: { $max: { revision: int64(revision) } }, upsert: true },
  }));

/** What removed subscriptions had passed: as many as there are streams, too many for the transaction that removed them. Nobody finds them any more. */
export async function forgetPassed({ subscriptionLeases, passed }: MongoDBCollections): Promise<void> {
  for await (const { _id, ended } of subscriptionLeases.find({ 'ended.0': { $exists: true } }, { projection: { ended: 1 } })) {
    for (const life of ended) await passed.deleteMany(passedBy(life));
    await subscriptionLeases.updateOne({ _id }, { $pullAll: { ended } });
  }
}

/** As a range of the keys. */
const passedBy = (life: string): Filter<PassedDocument> => ({
  _id: { $gte: { subscription: life, stream: '' }, $lt: { subscription: life, stream: new MaxKey() as never } },
});
