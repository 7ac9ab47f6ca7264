import type { RemoveOptions, Retention } from '@waybill/core';
import { Timestamp } from 'mongodb';
import { int64 } from './int64.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import type { MongoDBTransactions } from './mongodb-transactions.js';
import { serverTime } from './server-time.js';
import { removeClaims } from './removed-claims.js';
import type { OutboxDocument } from './stored-documents.js';

type Row = Pick<OutboxDocument, '_id' | 'position' | 'at'>;

const A_TRANSACTION = 1_000;

/** Removes in short transactions, lane by lane and from the front: within a stream positions are in the order of revisions. */
export class MongoDBRetention implements Retention {
  constructor(
    private readonly collections: MongoDBCollections,
    private readonly transactions: MongoDBTransactions,
  ) {}

  async removeMessages({ olderThanMs, most }: RemoveOptions): Promise<number> {
    try {
      const before = endOfSecond((await serverTime(this.collections)).getTime() - olderThanMs);
      let removed = 0;
      for (const [lane, upTo] of await this.#passedByAll()) {
        if (removed < most) removed += await this.#removeOf(lane, upTo, before, most - removed);
      }
      return removed;
    } catch (error) {
      throw translate(error);
    }
  }

  async removeClaims(options: RemoveOptions): Promise<number> {
    try {
      return await removeClaims(this.collections, options);
    } catch (error) {
      throw translate(error);
    }
  }

  async removeHistory({ olderThanMs, most }: RemoveOptions): Promise<number> {
    const { history } = this.collections;
    try {
      const before = new Date((await serverTime(this.collections)).getTime() - olderThanMs);
      let removed = 0;
      for (let more = true; more && removed < most;) {
        const limit = Math.min(A_TRANSACTION, most - removed);
        const old = await history
          .find({ at: { $lte: before } }, { projection: { _id: 1 } })
          .sort({ at: 1 })
          .limit(limit)
          .toArray();
        if (old.length > 0) removed += (await history.deleteMany({ _id: { $in: old.map(({ _id }) => _id) } })).deletedCount;
        more = old.length === limit;
      }
      return removed;
    } catch (error) {
      throw translate(error);
    }
  }

  /** Up to where each lane's messages were passed by every route. Places only go forward: what is true of them now stays so. */
  async #passedByAll(): Promise<ReadonlyMap<number, bigint>> {
    const { routes, lanes, laneCount } = this.collections;
    const active = await routes.find({ retiredAt: { $exists: false } }).toArray();
    if (active.length === 0) return new Map();
    const stored = await lanes.find({}, { projection: { position: 1 } }).toArray();
    const placeOf = new Map(stored.map(({ _id, position }) => [JSON.stringify([_id.route, _id.lane]), position.toBigInt()]));
    const passed = (lane: number): readonly bigint[] =>
      active.map(({ _id, order }) => placeOf.get(JSON.stringify([_id, order === 'global' ? 0 : lane])) ?? 0n);
    return new Map(Array.from({ length: laneCount }, (_, lane) => [lane, smallest(passed(lane))]));
  }

  async #removeOf(lane: number, upTo: bigint, before: Timestamp, most: number): Promise<number> {
    let removed = 0;
    let after = 0n;
    for (let more = true; more && removed < most;) {
      const rows = await this.#rowsOf(lane, after, upTo);
      // The rest of the lane is younger, but for what committed late: that goes with what is around it.
      const young = rows.findIndex(({ at }) => at.greaterThan(before));
      const old = young < 0 ? rows : rows.slice(0, young);
      const free = await this.#withoutStopped(old);
      removed += await this.#remove(free.slice(0, most - removed));
      more = old.length === A_TRANSACTION;
      after = rows.at(-1)?.position?.toBigInt() ?? upTo;
    }
    return removed;
  }

  #rowsOf(lane: number, after: bigint, upTo: bigint): Promise<readonly Row[]> {
    return this.collections.outbox
      .find({ lane, position: { $gt: int64(after), $lte: int64(upTo) } })
      .sort({ position: 1 })
      .limit(A_TRANSACTION)
      .project<Row>({ position: 1, at: 1 })
      .toArray();
  }

  /** Read after the places: a lane that has passed a message without delivering it has left an entry in the same settlement. */
  async #withoutStopped(rows: readonly Row[]): Promise<readonly Row[]> {
    const streams = [...new Set(rows.map(({ _id }) => _id.stream))];
    const stopped = await this.collections.stopped.find({ '_id.stream': { $in: streams } }).toArray();
    return rows.filter(
      ({ _id: { stream, revision } }) =>
        !stopped.some((entry) => entry._id.stream === stream && entry.fromRevision.lessThanOrEqual(revision)),
    );
  }

  /** All of them or none: their order in the lane is not that in which the server would remove them. */
  async #remove(rows: readonly Row[]): Promise<number> {
    if (rows.length === 0) return 0;
    const { outbox, identity } = this.collections;
    return this.transactions.run(async ({ session }) => {
      const { deletedCount } = await outbox.deleteMany({ _id: { $in: rows.map(({ _id }) => _id) } }, { session });
      await identity.updateOne({ _id: 'outbox', removed: { $exists: false } }, { $set: { removed: true } }, { session });
      return deletedCount;
    });
  }
}

const smallest = (places: readonly bigint[]): bigint => places.reduce((least, place) => (place < least ? place : least));

/** Cluster time counts in seconds: whatever was stamped in this one. */
const endOfSecond = (ms: number): Timestamp => new Timestamp({ t: Math.max(0, Math.floor(ms / 1_000)), i: 2 ** 32 - 1 });
