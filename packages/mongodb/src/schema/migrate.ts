import { int64 } from '../int64.js';
import type { MongoDBCollections } from '../mongodb-collections.js';
import { codeOf, translate } from '../mongodb-errors.js';
import { outboxUuid, refuseOther, VERSION } from './identity.js';
import { createIndexes } from './indexes.js';
import { refuseStandAlone } from './topology.js';
import { upgrade } from './upgrade.js';

const NAMESPACE_EXISTS = 48;

/**
 * Makes collections and indexes. Each step is idempotent, so processes that start together do no harm, and neither does a crash between two.
 *
 * @throws {@link SchemaMismatchError} a stand-alone server, or collections that are newer or made for another number of lanes
 */
export async function migrate(collections: MongoDBCollections, signal?: AbortSignal): Promise<void> {
  const { db, sequencer, identity, laneCount: lanes } = collections;
  try {
    await refuseStandAlone(collections);
    const stored = await identity.findOne({ _id: 'outbox' });
    if (stored) refuseOther(collections, stored);
    // Made beforehand: a collection that is first written in a transaction is made in it, and two that do so at once conflict.
    const names = new Set((await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name));
    for (const { collectionName } of collections.all) {
      signal?.throwIfAborted();
      if (!names.has(collectionName)) await createCollection(collections, collectionName);
    }
    await createIndexes(collections);
    signal?.throwIfAborted();
    await sequencer.updateOne(
      { _id: 'sequencer' },
      { $setOnInsert: { position: int64(0n), owner: '', epoch: int64(0n), leaseUntil: new Date(0), session: null, notice: '' } },
      { upsert: true },
    );
    // Last: whoever finds it finds everything.
    const collection = await outboxUuid(collections);
    await identity.updateOne({ _id: 'outbox' }, { $setOnInsert: { version: VERSION, lanes, collection } }, { upsert: true });
    await upgrade(collections);
    refuseOther(collections, (await identity.findOne({ _id: 'outbox' }))!);
  } catch (error) {
    throw translate(error);
  }
}

async function createCollection({ db }: MongoDBCollections, name: string): Promise<void> {
  try {
    await db.createCollection(name);
  } catch (error) {
    if (codeOf(error) !== NAMESPACE_EXISTS) throw error; // somebody else came first
  }
}
