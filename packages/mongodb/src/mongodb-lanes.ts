import { LeaseLostError } from '@waybill/core';
import type { ExecutedAction, LaneFailure, LaneLease, LanePage, LaneStore, ReadOptions, Settlement } from '@waybill/core';
import type { ClientSession, Document, Filter } from 'mongodb';
import { int64 } from './int64.js';
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

  async read(options: ReadOptions): Promise<LanePage> {
    const { numbered } = this.sequencer;
    const from = positionOf(options.after);
    try {
      // What is known to be numbered is read first: only where that is nothing is it worth a look. What is committed meanwhile is told of
      // once it has its number.
      const known = await this.#readUpTo(numbered.upTo, from, options);
      if (known.rows.length > 0) return known;
      const through = positionOf(known.through);
      await this.sequencer.somethingBehind(through);
      return await this.#readUpTo(numbered.upTo, through, options);
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

  async #readUpTo(readable: bigint, from: bigint, { lane, order, selection, limit }: ReadOptions): Promise<LanePage> {
    if (this.sequencer.numbered.isDone(order === 'stream' ? lane : undefined, from)) {
      return { rows: [], through: checkpointAt(readable > from ? readable : from), more: false };
    }
    const filter: Filter<OutboxDocument> = {
      ...(order === 'stream' && { lane }),
      position: { $gt: int64(from), $lte: int64(readable) },
      ...selectionFilter(selection),
    };
    const found = this.collections.outbox
      .find(filter, { batchSize: limit + 1 })
      .sort({ position: 1 })
      .limit(limit);
    const rows = (await found.toArray()).map((document) => new LaneRow(document));
    const isFull = rows.length === limit;
    return { rows, through: isFull ? rows.at(-1)!.checkpoint : checkpointAt(readable), more: isFull };
  }

  async #settle({ route, lane, epoch }: LaneLease, { checkpoint, state, failure }: Settlement, session?: ClientSession): Promise<void> {
    const { matchedCount } = await this.collections.lanes.updateOne(
      { _id: { route, lane }, epoch: int64(epoch) },
      { $set: { position: int64(positionOf(checkpoint)), state, failure: failure ? failureDocument(failure) : null } },
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
  return { messageId, stream, revision: int64(revision), attempts, nextTryAt: nextTryAt ?? null, code, error };
}

export function failureOf(failure: FailureDocument | null): LaneFailure | undefined {
  return failure ? { ...failure, revision: failure.revision.toBigInt(), nextTryAt: failure.nextTryAt ?? undefined } : undefined;
}
