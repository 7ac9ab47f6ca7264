import { randomUUID } from 'node:crypto';
import { ADOPTED_EPOCH_STEP } from '@waybill/core';
import type { AdoptedRoute, Adoption } from '@waybill/core';
import type { Filter, Long } from 'mongodb';
import { int64 } from '../int64.js';
import type { MongoDBCollections } from '../mongodb-collections.js';
import { translate } from '../mongodb-errors.js';
import { selectionFilter } from '../selection-filter.js';
import type { LaneDocument, OutboxDocument, RouteDocument } from '../stored-documents.js';
import { selectionOf } from '../stored-selection.js';
import { stoppedOf } from '../stored-stopped-stream.js';
import { outboxUuid, refuseUnmigrated } from './identity.js';
import { refuseStandAlone } from './topology.js';

/**
 * Makes this the outbox's home: whatever was restored or copied goes on from where it stands.
 *
 * Places are numbers, and mean here what they meant there; only the counter must be behind none of them, for what is numbered next would be
 * passed unseen. Leases end, and whoever held them is fenced out. The new id comes last: until then nobody starts, and all of it can be
 * done again.
 *
 * @throws {@link SchemaMismatchError} migrate first
 */
export async function adopt(collections: MongoDBCollections, name: string | undefined): Promise<Adoption> {
  const { sequencer, lanes, instances, identity } = collections;
  try {
    await refuseStandAlone(collections);
    const { outboxId: previousId } = await refuseUnmigrated(collections);
    await sequencer.updateOne(
      { _id: 'sequencer' },
      {
        $max: { position: await highestPosition(collections) },
        $inc: { epoch: int64(1n) },
        $set: { owner: '', leaseUntil: new Date(0), session: null, notice: '' },
      },
      { upsert: true },
    );
    await lanes.updateMany(
      {},
      { $inc: { epoch: int64(ADOPTED_EPOCH_STEP) }, $set: { owner: null, released: true, leaseUntil: new Date(0), session: null } },
    );
    await endSubscriptionLeases(collections);
    await instances.deleteMany({}); // of the original's processes
    const routes = await pendingOf(collections);

    const outboxId = randomUUID();
    const raised = { $inc: { epoch: int64(ADOPTED_EPOCH_STEP) } }; // new lanes begin behind it
    const home = { outboxId, collection: await outboxUuid(collections), mark: { number: int64(0n), nonce: randomUUID() } };
    await identity.updateOne(
      { _id: 'outbox' },
      name === undefined ? { ...raised, $set: home, $unset: { name: 1 } } : { ...raised, $set: { ...home, name } },
    );
    return { outboxId, previousId: previousId!, routes };
  } catch (error) {
    throw translate(error);
  }
}

/** The lease's document first: between the two it is free under an epoch that is higher than that of any transaction. */
async function endSubscriptionLeases({ subscriptions, subscriptionLeases }: MongoDBCollections): Promise<void> {
  const raised = { $inc: { epoch: int64(ADOPTED_EPOCH_STEP) } };
  await subscriptionLeases.updateMany({}, { ...raised, $set: { owner: null, released: true, leaseUntil: new Date(0), sessions: [] } });
  await subscriptions.updateMany({}, raised);
}

/** Of a message, or of a lane: collections that are dumped one after the other need not agree. */
async function highestPosition({ outbox, lanes, laneCount }: MongoDBCollections): Promise<Long> {
  const [furthest] = await lanes.find().sort({ position: -1 }).limit(1).toArray();
  let highest = furthest?.position ?? int64(0n);
  for (let lane = 0; lane < laneCount; lane++) {
    const [last] = await outbox
      .find({ lane, position: { $gt: highest } })
      .sort({ position: -1 })
      .limit(1)
      .toArray();
    if (last?.position) highest = last.position;
  }
  return highest;
}

async function pendingOf(collections: MongoDBCollections): Promise<readonly AdoptedRoute[]> {
  const { routes, lanes, stopped } = collections;
  const adopted: AdoptedRoute[] = [];
  for (const route of await routes
    .find({ retiredAt: { $exists: false } })
    .sort({ _id: 1 })
    .toArray()) {
    let pending = 0;
    for (const lane of await lanes.find({ '_id.route': route._id }).toArray()) pending += await pendingIn(collections, route, lane);
    adopted.push({ route: route._id, pending, stopped: await stopped.countDocuments({ '_id.route': route._id }) });
  }
  return adopted;
}

async function pendingIn({ outbox, stopped }: MongoDBCollections, route: RouteDocument, { _id, position }: LaneDocument): Promise<number> {
  const waiting = await stopped.find(stoppedOf(_id)).toArray();
  const count = (where: Filter<OutboxDocument>): Promise<number> =>
    outbox.countDocuments({
      $and: [
        where,
        selectionFilter(selectionOf(route)),
        ...(route.order === 'stream' ? [{ lane: _id.lane }] : []),
        ...(waiting.length > 0 ? [{ '_id.stream': { $nin: waiting.map((entry) => entry._id.stream) } }] : []),
      ],
    });
  return (await count({ position: { $gt: position } })) + (await count({ pending: true })); // committed, and numbered by nobody yet
}
