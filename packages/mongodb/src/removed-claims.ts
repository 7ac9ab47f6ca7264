import type { RemoveOptions } from '@waybill/core';
import type { Document } from 'mongodb';
import type { MongoDBCollections } from './mongodb-collections.js';
import { serverTime } from './server-time.js';
import type { ClaimDocument } from './stored-documents.js';

const AT_ONCE = 1_000;

/** Claims that nothing can ask for again: first those that are proven, then those that are old. Each batch is a command of its own. */
export async function removeClaims(collections: MongoDBCollections, { olderThanMs, most }: RemoveOptions): Promise<number> {
  const proven = await removeAll(collections, { $match: { byLane: true }, joined: withoutMessage(collections) }, most);
  if (olderThanMs === Infinity) return proven;
  const before = new Date((await serverTime(collections)).getTime() - olderThanMs);
  return proven + (await removeAll(collections, { $match: { byLane: null, firstAttemptAt: { $lte: before } }, joined: [] }, most - proven));
}

/** Every route was done with such a message, and who has lost its lane claims nothing more: what is true of it now stays so. */
const withoutMessage = ({ outbox }: MongoDBCollections): readonly Document[] => [
  {
    $lookup: {
      ...{ from: outbox.collectionName, localField: 'message', foreignField: 'id', as: 'messages' },
      pipeline: [{ $limit: 1 }, { $project: { _id: 1 } }],
    },
  },
  { $match: { messages: [] } },
];

interface Choice {
  readonly $match: Document;
  readonly joined: readonly Document[];
}

async function removeAll({ inbox }: MongoDBCollections, { $match, joined }: Choice, most: number): Promise<number> {
  let removed = 0;
  let keys: ClaimDocument['_id'][] = [];
  const remove = async (): Promise<void> => {
    if (keys.length > 0) removed += (await inbox.deleteMany({ _id: { $in: keys } })).deletedCount;
    keys = [];
  };
  if (most <= 0) return 0;
  // One walk for all: each look begins at the oldest claim, and may pass many that must stay.
  const found = inbox.aggregate<Pick<ClaimDocument, '_id'>>(
    [{ $match }, { $sort: { firstAttemptAt: 1 } }, ...joined, { $limit: most }, { $project: { _id: 1 } }],
    { batchSize: AT_ONCE },
  );
  for await (const { _id } of found) {
    keys.push(_id);
    if (keys.length >= AT_ONCE) await remove();
  }
  await remove();
  return removed;
}
