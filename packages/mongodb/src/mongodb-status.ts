import type {
  AttemptQuery,
  DeliveryStatus,
  MessagePlace,
  MessageProgress,
  MessageQuery,
  MessageStatus,
  RouteStoppedStream,
  StoppedQuery,
  StoredAttempt,
  StoredLane,
} from '@waybill/core';
import type { Filter, Timestamp } from 'mongodb';
import { DeliveryHistory } from './delivery-history.js';
import { recordedAt } from './lane-row.js';
import { messageProgress } from './message-progress.js';
import { messageStatus } from './message-status.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import { selectionFilter } from './selection-filter.js';
import type { LaneDocument, RouteDocument, StoppedStreamDocument } from './stored-documents.js';
import { failureOf } from './stored-failure.js';
import { selectionOf } from './stored-selection.js';
import { stoppedStreamOf } from './stored-stopped-stream.js';

interface Pending {
  readonly count: number;
  readonly oldest: Timestamp;
}

const MOST_COUNTED = 10_001;

export class MongoDBStatus implements DeliveryStatus {
  readonly #history: DeliveryHistory;

  constructor(private readonly collections: MongoDBCollections) {
    this.#history = new DeliveryHistory(collections);
  }

  async progress(route: string, messages: readonly MessagePlace[]): Promise<readonly MessageProgress[]> {
    if (messages.length === 0) return [];
    return translated(() => messageProgress(this.collections, route, messages));
  }

  async lanes(): Promise<readonly StoredLane[]> {
    const { routes, lanes } = this.collections;
    return translated(async () => {
      const stored = await lanes
        .aggregate<LaneDocument & { readonly isHeld: boolean }>([
          { $set: { isHeld: { $gt: ['$leaseUntil', '$$NOW'] } } },
          { $sort: { '_id.route': 1, '_id.lane': 1 } },
        ])
        .toArray();
      // After the lanes: a route is there before its lanes are. One that is not any more was renamed meanwhile.
      const known = new Map((await routes.find().toArray()).map((route) => [route._id, route]));
      const stopped = await this.#stoppedByLane();
      return await Promise.all(
        stored.flatMap((lane) => {
          const route = known.get(lane._id.route);
          return route ? this.#storedLane(lane, route, stopped.get(keyOf(lane._id)) ?? 0) : [];
        }),
      );
    });
  }

  async stopped({ route, stream, state, code, most }: StoppedQuery): Promise<readonly RouteStoppedStream[]> {
    const filter: Filter<StoppedStreamDocument> = {
      ...(route !== undefined && { '_id.route': route }),
      ...(stream !== undefined && { '_id.stream': stream }),
      ...(state !== undefined && { state }),
      ...(code !== undefined && { 'failure.code': code }),
    };
    return translated(async () => {
      const found = this.collections.stopped.find(filter).sort({ stoppedAt: 1, _id: 1 }).limit(most);
      return (await found.toArray()).map(stoppedStreamOf);
    });
  }

  async messages(query: MessageQuery): Promise<readonly MessageStatus[]> {
    return translated(() => messageStatus(this.collections, this.#history, query));
  }

  async attempts(query: AttemptQuery): Promise<readonly StoredAttempt[]> {
    return translated(() => this.#history.attempts(query));
  }

  async #stoppedByLane(): Promise<ReadonlyMap<string, number>> {
    const counts = await this.collections.stopped
      .aggregate<{ readonly _id: LaneDocument['_id']; readonly count: number }>([
        { $group: { _id: { route: '$_id.route', lane: '$_id.lane' }, count: { $sum: 1 } } },
      ])
      .toArray();
    return new Map(counts.map(({ _id, count }) => [keyOf(_id), count]));
  }

  async #storedLane(lane: LaneDocument & { readonly isHeld: boolean }, route: RouteDocument, stopped: number): Promise<StoredLane> {
    const { _id, owner, epoch, state, failure, suspects = 0, isHeld } = lane;
    const pending = await this.#pending(route, lane);
    return {
      ...{ route: _id.route, lane: _id.lane, state, epoch: epoch.toBigInt(), suspects, stopped },
      ...{ failure: failure ? failureOf(failure) : undefined, owner: isHeld ? (owner ?? undefined) : undefined },
      ...{ pending: pending?.count ?? 0, oldestAt: pending && recordedAt({ at: pending.oldest }) },
    };
  }

  async #pending(route: RouteDocument, { _id: { lane }, position }: LaneDocument): Promise<Pending | undefined> {
    const ofLane = route.order === 'stream' && { lane };
    const behind = {
      $or: [
        { ...ofLane, position: { $gt: position } },
        { ...ofLane, pending: true },
      ],
    };
    const [pending] = await this.collections.outbox
      .aggregate<Pending>([
        { $match: { $and: [behind, selectionFilter(selectionOf(route))] } },
        { $limit: MOST_COUNTED },
        { $group: { _id: null, count: { $sum: 1 }, oldest: { $min: '$at' } } },
      ])
      .toArray();
    return pending;
  }
}

const keyOf = ({ route, lane }: LaneDocument['_id']): string => JSON.stringify([route, lane]);

async function translated<Result>(act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    throw translate(error);
  }
}
