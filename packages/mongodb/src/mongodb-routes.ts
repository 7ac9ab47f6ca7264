import type { RouteStore, StoredRoute } from '@waybill/core';
import { int64 } from './int64.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import type { MongoDBTransactions } from './mongodb-transactions.js';
import type { Sequencer } from './sequencer.js';
import type { LaneDocument } from './stored-documents.js';

export class MongoDBRoutes implements RouteStore {
  constructor(
    private readonly collections: MongoDBCollections,
    private readonly transactions: MongoDBTransactions,
    private readonly sequencer: Sequencer,
  ) {}

  async find(name: string): Promise<StoredRoute | undefined> {
    try {
      const route = await this.collections.routes.findOne({ _id: name });
      if (!route) return undefined;
      const { order, types, streams, start } = route;
      return { name, order, start, selection: { ...(types && { types }), ...(streams && { streams }) } };
    } catch (error) {
      throw translate(error);
    }
  }

  async save(route: StoredRoute): Promise<void> {
    const { name, order, selection, start } = route;
    const { routes, lanes, outbox, laneCount } = this.collections;
    try {
      // Only such a route reads across lanes, and an index costs every batch.
      if (order === 'global') await outbox.createIndex({ position: 1 }, { partialFilterExpression: { position: { $gt: 0 } } });
      // What was committed before this moment lies before the start.
      if (start === 'now') await this.sequencer.catchUp();
      const position = start === 'now' ? this.sequencer.numbered.upTo : 0n;
      await this.transactions.run(async ({ session }) => {
        const stored = await routes.findOneAndUpdate(
          { _id: name },
          { $set: { types: selection.types ?? null, streams: selection.streams ?? null }, $setOnInsert: { order, start } },
          { session, upsert: true, returnDocument: 'after' },
        );
        const count = stored!.order === 'global' ? 1 : laneCount;
        await lanes.bulkWrite(
          Array.from({ length: count }, (_, lane) => ({
            updateOne: { filter: { _id: { route: name, lane } }, update: { $setOnInsert: newLane(position) }, upsert: true },
          })),
          { session },
        );
      });
    } catch (error) {
      throw translate(error);
    }
  }

  async outboxIsEmpty(): Promise<boolean> {
    try {
      return (await this.collections.streams.findOne({ revision: { $exists: true } }, { projection: { _id: 1 } })) === null;
    } catch (error) {
      throw translate(error);
    }
  }
}

const newLane = (position: bigint): Omit<LaneDocument, '_id'> => ({
  ...{ owner: null, epoch: int64(0n), leaseUntil: new Date(0), leaseMs: 0, grant: '', released: true },
  ...{ position: int64(position), state: 'running', failure: null },
});
