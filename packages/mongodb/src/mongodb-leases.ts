import { randomUUID } from 'node:crypto';
import type { AcquireOptions, LaneGrant, LaneLease, LaneLeases } from '@waybill/core';
import type { AnyBulkWriteOperation, Filter } from 'mongodb';
import { endSessions } from './end-sessions.js';
import { int64 } from './int64.js';
import { IS_FREE } from './lease-time.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { codeOf, translate } from './mongodb-errors.js';
import { checkpointAt } from './place.js';
import type { LaneDocument } from './stored-documents.js';
import { failureOf } from './stored-failure.js';

const TAKE_MS = 300;
const MAX_TIME_EXPIRED = 50;

type FreeLane = Pick<LaneDocument, '_id' | 'epoch' | 'released' | 'session'>;

interface Terms {
  readonly owner: string;
  readonly leaseMs: number;
  readonly grant: string;
}

/** Leases are documents of the lanes collection, by the database's clock. */
export class MongoDBLeases implements LaneLeases {
  constructor(private readonly collections: MongoDBCollections) {}

  async laneCount(route: string): Promise<number> {
    try {
      return await this.collections.lanes.countDocuments({ '_id.route': route });
    } catch (error) {
      throw translate(error);
    }
  }

  async acquire({ route, owner, leaseMs, most }: AcquireOptions): Promise<readonly LaneGrant[]> {
    if (most <= 0) return []; // the server takes a limit of 0 for none at all
    const { lanes } = this.collections;
    try {
      const free = await lanes
        .find({ '_id.route': route, $expr: IS_FREE })
        .sort({ '_id.lane': 1 })
        .limit(most)
        .project<FreeLane>({ epoch: 1, released: 1, session: 1 })
        .toArray();
      if (free.length === 0) return [];
      // Whoever came first has moved the epoch: such a lane matches no more. And two of one name must not take each other's for theirs.
      const grant = randomUUID();
      await this.#take(free, { owner, leaseMs, grant });
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

  async #take(free: readonly FreeLane[], terms: Terms): Promise<void> {
    const { client, lanes } = this.collections;
    const settling = free.filter(({ released, session }) => !released && session);
    const others = free.filter((lane) => !settling.includes(lane));
    await endSessions(
      client,
      settling.map(({ session }) => session!),
    );
    if (others.length > 0)
      await lanes.bulkWrite(
        others.map((lane) => takeWrite(lane, terms)),
        { ordered: false },
      );
    // Where the session could not be ended, its transaction may keep the lane until the server's limit: the other lanes do not wait for it.
    for (const lane of settling) {
      const { filter, update } = takeWrite(lane, terms).updateOne;
      await lanes.updateOne(filter, update, { maxTimeMS: TAKE_MS }).catch((error: unknown) => {
        if (codeOf(error) !== MAX_TIME_EXPIRED) throw error;
      });
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

/** Of a lane that was not released the holder is gone, and what it was delivering may be why. */
function takeWrite({ _id, epoch }: FreeLane, { owner, leaseMs, grant }: Terms) {
  const suspects = { $add: [{ $ifNull: ['$suspects', 0] }, { $cond: [{ $eq: ['$released', true] }, 0, 1] }] };
  return {
    updateOne: {
      filter: { _id, epoch, $expr: IS_FREE },
      update: [
        {
          $set: {
            ...{ owner: { $literal: owner }, epoch: epoch.add(1), released: false, grant, suspects, session: null },
            ...{ leaseMs, leaseUntil: { $add: ['$$NOW', leaseMs] } },
          },
        },
      ],
    },
  } satisfies AnyBulkWriteOperation<LaneDocument>;
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
  progress: {
    checkpoint: checkpointAt(lane.position.toBigInt()),
    state: lane.state,
    failure: lane.failure ? failureOf(lane.failure) : undefined,
    suspects: lane.suspects ?? 0,
  },
});
