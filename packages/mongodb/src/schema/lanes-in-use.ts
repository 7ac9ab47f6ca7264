import { LanesInUseError } from '@waybill/core';
import type { ClientSession } from 'mongodb';
import { IS_FREE } from '../lease-time.js';
import type { MongoDBCollections } from '../mongodb-collections.js';
import { liveInstances } from '../mongodb-instances.js';

/**
 * What is read here is written in the same transaction: a dispatcher that signs on meanwhile, or takes a lane, conflicts with it.
 *
 * @throws {@link LanesInUseError} a dispatcher is alive, or a lane stands at a failure
 */
export async function refuseInUse(collections: MongoDBCollections, session: ClientSession): Promise<void> {
  const { lanes, instances } = collections;
  const [alive] = await liveInstances(collections, session);
  if (alive) throw new LanesInUseError(`dispatcher "${alive.name}" runs route "${alive.route}"`, 'Stop every dispatcher, then try again.');
  await instances.deleteMany({}, { session });

  const held = await lanes.findOne({ $expr: { $not: [IS_FREE] } }, { session });
  if (held)
    throw new LanesInUseError(
      `lane ${held._id.route}/${held._id.lane} is leased to "${held.owner}"`,
      'Stop every dispatcher, or wait until its lease has run out.',
    );
  const failed = await lanes.findOne({ $or: [{ state: { $ne: 'running' } }, { failure: { $ne: null } }] }, { session });
  if (failed)
    throw new LanesInUseError(
      `lane ${failed._id.route}/${failed._id.lane} stands at a failure, ${failed.failure?.stream}@${String(failed.failure?.revision)}, which it would forget`,
      'Resume or skip it, and let a dispatcher deliver it, first.',
    );
}
