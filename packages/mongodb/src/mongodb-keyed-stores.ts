import { LeaseLostError, messageOfClaim } from '@waybill/core';
import type { IdempotencyStore, InboxClaim, InboxStore, Snapshot, SnapshotStore } from '@waybill/core';
import type { ClientSession } from 'mongodb';
import { int64 } from './int64.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import type { MongoDBTx } from './mongodb-tx.js';
import { requireOpen } from './require-open.js';

/**
 * Claims are upserts: a duplicate key would abort the whole transaction. Of two at once the server lets one go on, and the other comes again.
 *
 * A process that was frozen commits no effect twice, although its lane's document is only read, in the snapshot of its transaction: written,
 * it would collide with every settlement. What the next holder of the lane does is committed in this order: take-over, claim, the removal of
 * the message, the removal of the claim. A snapshot with the last of these has the take-over, too: the epoch is another one. A snapshot with
 * the claim has a duplicate. And a snapshot without the claim conflicts with it, for the server keeps a transaction from writing a key that
 * was written since it began, also where it was deleted again: the transaction is run once more, in a newer snapshot.
 */
export class MongoDBInbox implements InboxStore<MongoDBTx> {
  constructor(private readonly collections: MongoDBCollections) {}

  async claim({ handler, messageId, source, firstAttemptAt, lane }: InboxClaim, tx: MongoDBTx): Promise<boolean> {
    requireOpen(tx);
    const { session } = tx;
    const isOurs = lane !== undefined && (await this.#holds(lane, session));
    const { upsertedCount } = await this.collections.inbox.updateOne(
      { _id: { handler, messageId } },
      { $setOnInsert: { source, firstAttemptAt, ...(isOurs && { byLane: true, message: messageOfClaim(messageId) }) } },
      { session, upsert: true },
    );
    return upsertedCount === 1;
  }

  /**
   * @returns false when the lane is none of this database
   * @throws {@link LeaseLostError} it has another epoch by now, or was taken away
   */
  async #holds({ route, lane, epoch }: NonNullable<InboxClaim['lane']>, session: ClientSession): Promise<boolean> {
    const { lanes, routes } = this.collections;
    const stored = await lanes.findOne({ _id: { route, lane } }, { session, projection: { epoch: 1 } });
    if (stored?.epoch.toBigInt() === epoch) return true;
    if (stored ?? (await routes.findOne({ _id: route }, { session, projection: { _id: 1 } }))) throw new LeaseLostError(route, lane, epoch);
    return false;
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
