import { LeaseLostError } from '@waybill/core';
import type { ExecutedAction, LaneFailure, LaneLease, LanePage, LaneStore, ReadOptions, Settlement } from '@waybill/core';
import type { ClientSession, Document, Filter } from 'mongodb';
import { LaneRow } from './lane-row.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import type { MongoDBTransactions } from './mongodb-transactions.js';
import { checkpointAt, positionOf } from './place.js';
import { selectionFilter } from './selection-filter.js';
import type { Sequencer } from './sequencer.js';
import type { FailureDocument, OutboxDocument } from './stored-documents.js';

/** Reads lanes by position and settles them under their lease. */
export class MongoDBLanes implements LaneStore {
  constructor(
    private readonly collections: MongoDBCollections,
    private readonly transactions: MongoDBTransactions,
    private readonly sequencer: Sequencer,
  ) {}

  async read({ lane, order, selection, after, limit }: ReadOptions): Promise<LanePage> {
    const from = positionOf(after);
    // What is known to be readable is read first: only at its end is it worth a look whether there is more.
    const isBehind = this.sequencer.readable > from;
    const readable = isBehind ? this.sequencer.readable : await this.sequencer.catchUp();
    if (readable <= from) return { rows: [], through: after, more: false };

    const filter: Filter<OutboxDocument> = {
      ...(order === 'stream' && { lane }),
      position: { $gt: from, $lte: readable },
      ...selectionFilter(selection),
    };
    try {
      const documents = await this.collections.outbox.find(filter, { batchSize: limit }).sort({ position: 1 }).limit(limit).toArray();
      const rows = documents.map((document) => new LaneRow(document));
      if (rows.length === limit) return { rows, through: rows.at(-1)!.checkpoint, more: true };
      return { rows, through: checkpointAt(readable), more: isBehind };
    } catch (error) {
      throw translate(error);
    }
  }

  async settle(lease: LaneLease, settlement: Settlement): Promise<void> {
    const { executed = [] } = settlement;
    try {
      if (executed.length === 0) return await this.#settle(lease, settlement);
      await this.transactions.run(async ({ session }) => {
        await this.#settle(lease, settlement, session);
        await this.#end(executed, session);
      });
    } catch (error) {
      throw translate(error);
    }
  }

  async #settle({ route, lane, epoch }: LaneLease, { checkpoint, state, failure }: Settlement, session?: ClientSession): Promise<void> {
    const { matchedCount } = await this.collections.lanes.updateOne(
      { _id: { route, lane }, epoch },
      { $set: { position: positionOf(checkpoint), state, failure: failure ? failureDocument(failure) : null } },
      { session },
    );
    if (matchedCount === 0) throw new LeaseLostError(route, lane, epoch);
  }

  async #end(executed: readonly ExecutedAction[], session: ClientSession): Promise<void> {
    const update = ({ outcome, note }: ExecutedAction): Document[] => [
      { $set: { executedAt: '$$NOW', outcome, note: note === undefined ? null : { $literal: note } } },
    ];
    await this.collections.actions.bulkWrite(
      executed.map((action) => ({ updateOne: { filter: { _id: action.id }, update: update(action) } })),
      { session },
    );
  }
}

function failureDocument({ messageId, stream, revision, attempts, nextTryAt, code, error }: LaneFailure): FailureDocument {
  return { messageId, stream, revision, attempts, nextTryAt: nextTryAt ?? null, code, error };
}

export function failureOf(failure: FailureDocument | null): LaneFailure | undefined {
  return failure ? { ...failure, nextTryAt: failure.nextTryAt ?? undefined } : undefined;
}
