import { randomUUID } from 'node:crypto';
import type { AcquireOptions, LaneGrant, LaneLease, LaneLeases } from '@waybill/core';
import type { Filter } from 'mongodb';
import { int64 } from './int64.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import { failureOf } from './mongodb-lanes.js';
import { checkpointAt } from './place.js';
import type { LaneDocument } from './stored-documents.js';

// Of a lease that runs for longer than it was given for, a clock has gone back.
const IS_FREE = {
  $or: [{ $eq: ['$released', true] }, { $lte: ['$leaseUntil', '$$NOW'] }, { $gt: ['$leaseUntil', { $add: ['$$NOW', '$leaseMs'] }] }],
};

/** Leases are documents of the lanes collection, by the database's clock. */
export class MongoDBLeases implements LaneLeases {
  constructor(private readonly collections: MongoDBCollections) {}

  async acquire({ route, owner, leaseMs, most }: AcquireOptions): Promise<readonly LaneGrant[]> {
    const { lanes } = this.collections;
    try {
      const free = await lanes
        .find({ '_id.route': route, $expr: IS_FREE })
        .sort({ '_id.lane': 1 })
        .limit(most)
        .project<Pick<LaneDocument, '_id' | 'epoch' | 'released'>>({ epoch: 1, released: 1 })
        .toArray();
      if (free.length === 0) return [];
      // Whoever came first has moved the epoch: such a lane matches no more. And two of one name must not take each other's for theirs.
      const grant = randomUUID();
      await lanes.bulkWrite(
        free.map(({ _id, epoch }) => ({
          updateOne: {
            filter: { _id, epoch, $expr: IS_FREE },
            update: [
              {
                $set: {
                  owner: { $literal: owner },
                  epoch: epoch.add(1),
                  released: false,
                  grant,
                  leaseMs,
                  leaseUntil: { $add: ['$$NOW', leaseMs] },
                },
              },
            ],
          },
        })),
        { ordered: false },
      );
      const taken = await lanes
        .find({ grant, $or: free.map(({ _id, epoch }) => ({ _id, epoch: epoch.add(1) })) })
        .sort({ '_id.lane': 1 })
        .toArray();
      const released = new Map(free.map((lane) => [lane._id.lane, lane.released]));
      return taken.map((lane) => grantOf(lane, !released.get(lane._id.lane)));
    } catch (error) {
      throw translate(error);
    }
  }

  async renew(leases: readonly LaneLease[], leaseMs: number): Promise<readonly LaneLease[]> {
    if (leases.length === 0) return [];
    const { lanes } = this.collections;
    const held = heldBy(leases);
    try {
      await lanes.updateMany(held, [{ $set: { leaseMs, leaseUntil: { $add: ['$$NOW', leaseMs] } } }]);
      return (await lanes.find(held).toArray()).map(leaseOf);
    } catch (error) {
      throw translate(error);
    }
  }

  async release(leases: readonly LaneLease[]): Promise<void> {
    if (leases.length === 0) return;
    try {
      await this.collections.lanes.updateMany(heldBy(leases), { $set: { owner: null, released: true } });
    } catch (error) {
      throw translate(error);
    }
  }
}

const heldBy = (leases: readonly LaneLease[]): Filter<LaneDocument> => ({
  $or: leases.map(({ route, lane, epoch }) => ({ _id: { route, lane }, epoch: int64(epoch) })),
  released: false,
});

const leaseOf = ({ _id: { route, lane }, epoch, leaseUntil }: LaneDocument): LaneLease => ({
  route,
  lane,
  epoch: epoch.toBigInt(),
  expiresAt: leaseUntil,
});

const grantOf = (lane: LaneDocument, takenOver: boolean): LaneGrant => ({
  lease: leaseOf(lane),
  takenOver,
  progress: { checkpoint: checkpointAt(lane.position.toBigInt()), state: lane.state, failure: failureOf(lane.failure) },
});
