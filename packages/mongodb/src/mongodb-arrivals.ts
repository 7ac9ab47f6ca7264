import type { ArrivalPlace, ArrivalStore, LastArrival } from '@waybill/core';
import { int64 } from './int64.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import type { MongoDBTx } from './mongodb-tx.js';
import { requireOpen } from './require-open.js';
import type { ArrivalDocument } from './stored-documents.js';

/**
 * One document a stream. Of two transactions that record it at once the server lets one go on, and the other comes again: what a transaction has
 * read as the last arrival is still the last when it records, and `after` needs no look.
 */
export class MongoDBArrivals implements ArrivalStore<MongoDBTx> {
  constructor(private readonly collections: MongoDBCollections) {}

  async last(place: ArrivalPlace, { session }: MongoDBTx): Promise<LastArrival | undefined> {
    const stored = await this.collections.arrivals.findOne({ _id: keyOf(place) }, { session });
    return stored ? { revision: stored.revision.toBigInt(), epoch: stored.epoch?.toBigInt() } : undefined;
  }

  async record(place: ArrivalPlace, { revision, epoch }: LastArrival, tx: MongoDBTx): Promise<void> {
    requireOpen(tx);
    const { session } = tx;
    await this.collections.arrivals.updateOne(
      { _id: keyOf(place) },
      { $max: { revision: int64(revision), ...(epoch !== undefined && { epoch: int64(epoch) }) }, $currentDate: { arrivedAt: true } },
      { session, upsert: true },
    );
  }
}

// The key order counts: it is part of the value.
const keyOf = ({ receiver, source, stream }: ArrivalPlace): ArrivalDocument['_id'] => ({ receiver, source, stream });
