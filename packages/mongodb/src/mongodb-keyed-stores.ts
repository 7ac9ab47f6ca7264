import type { IdempotencyStore, InboxClaim, InboxStore, Snapshot, SnapshotStore } from '@waybill/core';
import { int64 } from './int64.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import type { MongoDBTx } from './mongodb-tx.js';
import { requireOpen } from './require-open.js';

/** Claims are upserts: a duplicate key would abort the whole transaction. Of two at once the server lets one go on, and the other comes again. */
export class MongoDBInbox implements InboxStore<MongoDBTx> {
  constructor(private readonly collections: MongoDBCollections) {}

  async claim({ handler, messageId, source, firstAttemptAt }: InboxClaim, tx: MongoDBTx): Promise<boolean> {
    requireOpen(tx);
    const { session } = tx;
    const { upsertedCount } = await this.collections.inbox.updateOne(
      { _id: { handler, messageId } },
      { $setOnInsert: { source, firstAttemptAt } },
      { session, upsert: true },
    );
    return upsertedCount === 1;
  }

  async claimed(handler: string, messageId: string, tx?: MongoDBTx): Promise<boolean> {
    const options = { projection: { _id: 1 }, ...(tx && { session: tx.session }) };
    try {
      return (await this.collections.inbox.findOne({ _id: { handler, messageId } }, options)) !== null;
    } catch (error) {
      throw tx ? error : translate(error); // inside a transaction the driver must see its own
    }
  }
}

export class MongoDBIdempotency implements IdempotencyStore<MongoDBTx> {
  constructor(private readonly collections: MongoDBCollections) {}

  async claim(key: string, tx: MongoDBTx): Promise<string | undefined> {
    requireOpen(tx);
    const { session } = tx;
    const first = await this.collections.idempotency.findOneAndUpdate(
      { _id: key },
      { $setOnInsert: { _id: key } },
      { session, upsert: true, returnDocument: 'before' },
    );
    return first?.outcome;
  }

  async record(key: string, outcome: string, tx: MongoDBTx): Promise<void> {
    requireOpen(tx);
    const { session } = tx;
    await this.collections.idempotency.updateOne({ _id: key }, { $set: { outcome } }, { session });
  }
}

export class MongoDBSnapshots implements SnapshotStore<MongoDBTx> {
  constructor(private readonly collections: MongoDBCollections) {}

  async load(stream: string, version: number, { session }: MongoDBTx): Promise<Snapshot | undefined> {
    const stored = await this.collections.snapshots.findOne({ _id: { stream, version } }, { session });
    return stored ? { stream, version, revision: stored.revision.toBigInt(), state: stored.state } : undefined;
  }

  async save({ stream, version, revision, state }: Snapshot, tx: MongoDBTx): Promise<void> {
    requireOpen(tx);
    const { session } = tx;
    // Decided in the server, so that an older one neither replaces a newer one nor fails on its key.
    const stored = int64(revision);
    const isNewer = { $gt: [stored, { $ifNull: ['$revision', int64(-1n)] }] };
    await this.collections.snapshots.updateOne(
      { _id: { stream, version } },
      [
        {
          $set: {
            revision: { $cond: [isNewer, stored, '$revision'] },
            state: { $cond: [isNewer, { $literal: state }, '$state'] },
          },
        },
      ],
      { session, upsert: true },
    );
  }
}
