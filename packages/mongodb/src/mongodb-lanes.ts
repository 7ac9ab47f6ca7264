import { DatabaseUnavailableError, isWaybillError } from '@waybill/core';
import type {
  LaneLease,
  LanePage,
  LaneStore,
  MessagePlace,
  OutboxRow,
  ReadOptions,
  ReadTailOptions,
  Settlement,
  StoppedStream,
} from '@waybill/core';
import { Long } from 'mongodb';
import type { Filter } from 'mongodb';
import { lastDelivered } from './delivered-streams.js';
import { int64 } from './int64.js';
import { LaneRow } from './lane-row.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import type { MongoDBOutbox } from './mongodb-outbox.js';
import { MongoDBSettlements } from './mongodb-settlements.js';
import type { MongoDBTransactions } from './mongodb-transactions.js';
import { checkpointAt, positionOf } from './place.js';
import { selectionFilter } from './selection-filter.js';
import type { Sequencer } from './sequencer.js';
import type { OutboxDocument } from './stored-documents.js';
import { stoppedOf, stoppedStreamOf } from './stored-stopped-stream.js';

/** Reads lanes by position and settles them under their lease. */
export class MongoDBLanes implements LaneStore {
  readonly #settlements: MongoDBSettlements;

  constructor(
    private readonly collections: MongoDBCollections,
    transactions: MongoDBTransactions,
    outbox: MongoDBOutbox,
    private readonly sequencer: Sequencer,
  ) {
    this.#settlements = new MongoDBSettlements(collections, transactions, outbox);
  }

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

  async readTail({ stream, from, upTo, selection, limit }: ReadTailOptions): Promise<readonly OutboxRow[]> {
    const filter: Filter<OutboxDocument> = {
      _id: { $gte: { stream, revision: int64(from) }, $lte: { stream, revision: Long.MAX_VALUE } },
      position: { $gt: int64(0n), $lte: int64(positionOf(upTo)) },
      ...selectionFilter(selection),
    };
    try {
      const found = this.collections.outbox.find(filter).sort({ _id: 1 }).limit(limit);
      return (await found.toArray()).map((document) => new LaneRow(document, upTo));
    } catch (error) {
      throw translate(error);
    }
  }

  async stopped(lease: LaneLease): Promise<readonly StoppedStream[]> {
    try {
      const found = await this.collections.stopped.find(stoppedOf(lease)).toArray();
      return found.map(stoppedStreamOf).map(({ route: _route, lane: _lane, ...entry }) => entry);
    } catch (error) {
      throw translate(error);
    }
  }

  async delivered(route: string, streams: readonly string[]): Promise<readonly MessagePlace[]> {
    try {
      return await lastDelivered(this.collections, route, streams);
    } catch (error) {
      throw translate(error);
    }
  }

  /** As {@link MongoDBSettlements} says. */
  async settle(lease: LaneLease, settlement: Settlement): Promise<void> {
    try {
      await this.#settlements.settle(lease, settlement);
    } catch (error) {
      if (!isWaybillError(error, 'COMMIT_OUTCOME_UNKNOWN')) throw translate(error);
      throw new DatabaseUnavailableError('the answer to the commit of a settlement was lost; to store it again is safe', { cause: error });
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
}
