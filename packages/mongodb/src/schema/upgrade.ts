import { randomUUID } from 'node:crypto';
import { int64 } from '../int64.js';
import type { MongoDBCollections } from '../mongodb-collections.js';
import { VERSION } from './identity.js';

/** Brings what an older version has stored to this one. Each step changes only what it has not changed yet, so that a second time does no harm. */
export async function upgrade(collections: MongoDBCollections): Promise<void> {
  const { lanes, actions, identity } = collections;
  // From version 1: fields that came later. Readers do without them, for a process that still runs may write without them for a while.
  await lanes.updateMany({ suspects: { $exists: false } }, { $set: { suspects: 0 } });
  await lanes.updateMany({ session: { $exists: false } }, { $set: { session: null } });
  await actions.updateMany({ stream: { $exists: false } }, { $set: { stream: null, requestedBy: null } });
  const mark = { number: int64(0n), nonce: randomUUID() };
  await identity.updateOne({ _id: 'outbox', outboxId: { $exists: false } }, { $set: { outboxId: randomUUID(), mark } });
  await identity.updateOne({ _id: 'outbox', version: { $lt: VERSION } }, { $set: { version: VERSION } });
}
