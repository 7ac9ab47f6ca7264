import { randomUUID } from 'node:crypto';
import type { RouteStore, StoredRoute } from '@waybill/core';
import type { ClientSession, Long } from 'mongodb';
import { deliveredAs, deliveredOf } from './delivered-streams.js';
import { int64 } from './int64.js';
import { IS_FREE } from './lease-time.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import type { MongoDBTransactions } from './mongodb-transactions.js';
import { refuseOther } from './schema/identity.js';
import type { Sequencer } from './sequencer.js';
import type { LaneDocument, RouteDocument } from './stored-documents.js';
import { selectionOf } from './stored-selection.js';

export class MongoDBRoutes implements RouteStore {
  constructor(
    private readonly collections: MongoDBCollections,
    private readonly transactions: MongoDBTransactions,
    private readonly sequencer: Sequencer,
  ) {}

  async find(name: string): Promise<StoredRoute | undefined> {
    try {
      const route = await this.collections.routes.findOne({ _id: name });
      return route ? storedRoute(route) : undefined;
    } catch (error) {
      throw translate(error);
    }
  }

  async all(): Promise<readonly StoredRoute[]> {
    try {
      return (await this.collections.routes.find().sort({ _id: 1 }).toArray()).map(storedRoute);
    } catch (error) {
      throw translate(error);
    }
  }

  async save(route: StoredRoute): Promise<void> {
    const { order, start } = route;
    try {
      // Only such a route reads across lanes, and an index costs every batch.
      if (order === 'global') {
        await this.collections.outbox.createIndex({ position: 1 }, { partialFilterExpression: { position: { $gt: 0 } } });
      }
      // What was committed before this moment lies before the start.
      if (start === 'now') await this.sequencer.catchUp();
      const position = start === 'now' ? this.sequencer.numbered.upTo : 0n;
      await this.transactions.run(({ session }) => this.#save(route, position, session));
    } catch (error) {
      throw translate(error);
    }
  }

  async #save({ name, order, selection, start }: StoredRoute, position: bigint, session: ClientSession): Promise<void> {
    const { routes, lanes, laneCount } = this.collections;
    const types = selection.types ?? null;
    const streams = selection.streams ?? null;
    const known = await routes.updateOne({ _id: name, retiredAt: { $exists: false } }, { $set: { types, streams } }, { session });
    if (known.matchedCount > 0) return;
    const epoch = await this.#keepEpoch([], session);
    const recordedAs = await this.#recordedAs(name, session);
    await routes.replaceOne({ _id: name }, { order, types, streams, start, ...recordedAs, life: randomUUID() }, { session, upsert: true });
    const count = order === 'global' ? 1 : laneCount;
    await lanes.insertMany(
      Array.from({ length: count }, (_, lane) => ({ _id: { route: name, lane }, ...newLane(position, epoch) })),
      { session },
    );
  }

  /** What a route is called in history and audit it keeps when it is renamed; so the next one under that name must be called something else there. */
  async #recordedAs(name: string, session: ClientSession): Promise<Pick<RouteDocument, 'recordedAs'>> {
    const { routes } = this.collections;
    const retired = await routes.findOne({ _id: name }, { session });
    if (retired) return retired.recordedAs === undefined ? {} : { recordedAs: retired.recordedAs };
    const isTaken = (await routes.findOne({ recordedAs: name }, { session })) !== null;
    return isTaken ? { recordedAs: `${name} ${randomUUID()}` } : {};
  }

  async retire(name: string): Promise<void> {
    const { routes, lanes, stopped, delivered, actions } = this.collections;
    try {
      await this.transactions.run(async ({ session }) => {
        const retired = await routes.updateOne({ _id: name, retiredAt: { $exists: false } }, [{ $set: { retiredAt: '$$NOW' } }], {
          session,
        });
        if (retired.matchedCount === 0) return;
        await this.#keepEpoch(await lanes.find({ '_id.route': name }, { session }).toArray(), session);
        await lanes.deleteMany({ '_id.route': name }, { session });
        await stopped.deleteMany({ '_id.route': name }, { session });
        await actions.deleteMany({ route: name, executedAt: null }, { session });
      });
      // As many as there are streams: too many for a transaction. Nobody finds them any more, and nobody adds to them.
      const ended = await routes.findOne({ _id: name, retiredAt: { $exists: true } });
      if (ended) await delivered.deleteMany(deliveredOf(deliveredAs(ended)));
    } catch (error) {
      throw translate(error);
    }
  }

  async rename(name: string, to: string): Promise<boolean> {
    try {
      return await this.transactions.run(({ session }) => this.#rename(name, to, session));
    } catch (error) {
      throw translate(error);
    }
  }

  /** Names are parts of keys: documents are made anew. Whoever takes a lane meanwhile waits, and finds none; or came first, and this is run again. */
  async #rename(name: string, to: string, session: ClientSession): Promise<boolean> {
    const { routes, lanes, stopped, actions } = this.collections;
    const own = await routes.findOne({ _id: name }, { session });
    if (!own || own.retiredAt || (await routes.findOne({ _id: to }, { session }))) return false;
    const ofRoute = await lanes.find({ '_id.route': name }, { session }).toArray();
    const free = await lanes.countDocuments({ '_id.route': name, $expr: IS_FREE }, { session });
    if (free < ofRoute.length) return false;

    const epoch = await this.#keepEpoch(ofRoute, session);
    await lanes.deleteMany({ '_id.route': name }, { session });
    await lanes.insertMany(
      ofRoute.map((lane) => ({ ...lane, _id: { route: to, lane: lane._id.lane }, epoch })),
      { session },
    );
    const entries = await stopped.find({ '_id.route': name }, { session }).toArray();
    await stopped.deleteMany({ '_id.route': name }, { session });
    if (entries.length > 0)
      await stopped.insertMany(
        entries.map(({ _id, ...entry }) => ({ _id: { ..._id, route: to }, ...entry })),
        { session },
      );
    await actions.updateMany({ route: name }, { $set: { route: to } }, { session });
    await routes.deleteOne({ _id: name }, { session });
    await routes.insertOne({ recordedAs: name, ...own, _id: to }, { session });
    return true;
  }

  /**
   * Also keeps the lanes from being changed meanwhile.
   *
   * @returns an epoch that nobody ever held a lane in that is no more
   * @throws {@link SchemaMismatchError} they are being changed, or were
   */
  async #keepEpoch(lanes: readonly LaneDocument[], session: ClientSession): Promise<Long> {
    const higher = lanes.reduce((most, { epoch }) => (epoch.lessThan(most) ? most : epoch.add(1)), int64(0n));
    const options = { session, returnDocument: 'after' } as const;
    const written = { $max: { epoch: higher }, $inc: { routeChanges: 1 } };
    const kept = await this.collections.identity.findOneAndUpdate({ _id: 'outbox' }, written, options);
    if (kept) refuseOther(this.collections, kept);
    return kept?.epoch ?? higher;
  }

  async outbox(): Promise<{ readonly empty: boolean; readonly removed: boolean }> {
    const { streams, identity } = this.collections;
    try {
      const any = await streams.findOne({ revision: { $exists: true } }, { projection: { _id: 1 } });
      const stored = await identity.findOne({ _id: 'outbox' });
      return { empty: any === null, removed: stored?.removed === true };
    } catch (error) {
      throw translate(error);
    }
  }
}

function storedRoute(route: RouteDocument): StoredRoute {
  const { _id: name, order, start, retiredAt } = route;
  return { name, order, start, selection: selectionOf(route), ...(retiredAt && { retiredAt }) };
}

export const newLane = (position: bigint, epoch: Long): Omit<LaneDocument, '_id'> => ({
  ...{ owner: null, epoch, leaseUntil: new Date(0), leaseMs: 0, grant: '', released: true },
  ...{ position: int64(position), state: 'running', failure: null, suspects: 0, session: null },
});
