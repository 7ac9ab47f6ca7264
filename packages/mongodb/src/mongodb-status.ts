import type { DeliveryStatus, MessagePlace, MessageProgress, Selection, StoredLane } from '@waybill/core';
import type { Timestamp } from 'mongodb';
import { int64 } from './int64.js';
import { recordedAt } from './lane-row.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import { failureOf } from './mongodb-lanes.js';
import { selectionFilter } from './selection-filter.js';
import type { LaneDocument, OutboxDocument, RouteDocument } from './stored-documents.js';

interface Pending {
  readonly count: number;
  readonly oldest: Timestamp;
}

const MOST_COUNTED = 10_001;

export class MongoDBStatus implements DeliveryStatus {
  constructor(private readonly collections: MongoDBCollections) {}

  async progress(route: string, messages: readonly MessagePlace[]): Promise<readonly MessageProgress[]> {
    const { outbox, routes, lanes, actions } = this.collections;
    if (messages.length === 0) return [];
    try {
      // The rows first: a lane that is looked at after them is no less far.
      const rows = await outbox
        .find({ _id: { $in: messages.map(({ stream, revision }) => ({ stream, revision: int64(revision) })) } })
        .project<Row>({ id: 1, type: 1, kind: 1, lane: 1, position: 1 })
        .toArray();
      const [stored, places, skips] = await Promise.all([
        routes.findOne({ _id: route }),
        lanes.find({ '_id.route': route }).project<Pick<LaneDocument, '_id' | 'position'>>({ position: 1 }).toArray(),
        actions.find({ route, kind: 'skip', outcome: 'done', messageId: { $in: rows.map(({ id }) => id) } }).toArray(),
      ]);
      const placeOf = new Map(places.map(({ _id, position }) => [_id.lane, position]));
      const skipped = new Set(skips.map(({ messageId }) => messageId));
      return rows.map(({ _id: { stream, revision }, id, type, kind, lane, position }) => {
        const place = placeOf.get(stored?.order === 'global' ? 0 : lane);
        const passed = position !== undefined && place !== undefined && position.lessThanOrEqual(place);
        return { stream, revision: revision.toBigInt(), type, kind, lane, passed, skipped: skipped.has(id) };
      });
    } catch (error) {
      throw translate(error);
    }
  }

  async lanes(): Promise<readonly StoredLane[]> {
    const { routes, lanes } = this.collections;
    try {
      const stored = await lanes
        .aggregate<LaneDocument & { readonly isHeld: boolean }>([
          { $set: { isHeld: { $gt: ['$leaseUntil', '$$NOW'] } } },
          { $sort: { '_id.route': 1, '_id.lane': 1 } },
        ])
        .toArray();
      // After the lanes: a route is there before its lanes are.
      const known = new Map((await routes.find().toArray()).map((route) => [route._id, route]));
      return await Promise.all(stored.map(async (lane) => storedLane(lane, await this.#pending(known.get(lane._id.route)!, lane))));
    } catch (error) {
      throw translate(error);
    }
  }

  async #pending({ order, types, streams }: RouteDocument, { _id: { lane }, position }: LaneDocument): Promise<Pending | undefined> {
    const selection: Selection = { ...(types && { types }), ...(streams && { streams }) };
    const [pending] = await this.collections.outbox
      .aggregate<Pending>([
        {
          $match: {
            $and: [
              {
                $or: [
                  { ...(order === 'stream' && { lane }), position: { $gt: position } },
                  { ...(order === 'stream' && { lane }), pending: true },
                ],
              },
              selectionFilter(selection),
            ],
          },
        },
        { $limit: MOST_COUNTED },
        { $group: { _id: null, count: { $sum: 1 }, oldest: { $min: '$at' } } },
      ])
      .toArray();
    return pending;
  }
}

type Row = Pick<OutboxDocument, '_id' | 'id' | 'type' | 'kind' | 'lane' | 'position'>;

function storedLane(
  { _id, owner, epoch, state, failure, isHeld }: LaneDocument & { readonly isHeld: boolean },
  pending?: Pending,
): StoredLane {
  return {
    ...{
      route: _id.route,
      lane: _id.lane,
      state,
      epoch: epoch.toBigInt(),
      failure: failureOf(failure),
      owner: isHeld ? (owner ?? undefined) : undefined,
    },
    ...{ pending: pending?.count ?? 0, oldestAt: pending && recordedAt({ at: pending.oldest }) },
  };
}
