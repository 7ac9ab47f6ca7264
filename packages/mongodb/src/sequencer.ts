import { delay, laneOf, SchemaMismatchError, streamHash, systemClock } from '@waybill/core';
import type { ClientSession, Long, Timestamp } from 'mongodb';
import { int64 } from './int64.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import type { MongoDBTransactions } from './mongodb-transactions.js';
import { NumberedLanes } from './numbered-lanes.js';
import { noticeText } from './notice.js';
import { LEASE_MS, SequencerLease } from './sequencer-lease.js';
import type { LastTenure, Tenure } from './sequencer-lease.js';
import type { OutboxDocument } from './stored-documents.js';

export interface SequencerListeners {
  /** The lanes of each batch that was numbered here, once it can be read. */
  numbered(lanes: readonly number[]): void;
  /** Messages wait for somebody else to number them. */
  waiting(): void;
}

/** What one look at the outbox tells. */
interface Look extends LastTenure {
  /** Everything that is not pending can be read, and has a number up to here. */
  readonly position: Long;
  /** When the newest pending message, or the newest up to the asked one, was inserted; absent when none is pending. */
  readonly pending?: Timestamp;
  readonly lanes?: number;
}

interface Batch {
  readonly count: number;
  /** The last number that was given. */
  readonly last: bigint;
  readonly lanes: readonly number[];
}

const MOST_A_BATCH = 1_000;
const SHORTEST_WAIT_MS = 2;
const LONGEST_WAIT_MS = 100;

/**
 * Gives committed messages their positions: consecutive numbers, in an order that respects every stream and every cause.
 *
 * A document is committed with the cluster time of its insert and without a number. Whoever holds the lease reads, in a snapshot
 * transaction, the oldest that have none, and numbers them in the same transaction that advances the counter. Revision n+1 of a stream
 * can only commit after n, so a snapshot that shows n+1 shows n, and n was inserted earlier. What commits late gets a later number.
 *
 * The lease only keeps several from doing the same work. What keeps the numbers right is the counter's document: each batch writes it,
 * so of two batches at once the server lets one commit.
 */
export class Sequencer {
  /** What is numbered, as far as this process knows. */
  readonly numbered = new NumberedLanes();
  readonly #lease: SequencerLease;
  #running: Promise<boolean> | undefined;
  #next: { readonly ended: Promise<boolean>; expectsSome: boolean } | undefined;

  constructor(
    private readonly collections: MongoDBCollections,
    private readonly transactions: MongoDBTransactions,
    /** Of this process. */
    private readonly owner: string,
    private readonly listeners: SequencerListeners,
  ) {
    this.#lease = new SequencerLease(collections, owner);
  }

  /**
   * Sees to it that everything that was committed before the call has its number. Calls at the same time share one look.
   *
   * @param expectsSome - something was committed just now: where this process holds the lease, it need not look first
   * @returns true when numbers were given here, and listeners were told of their lanes
   */
  catchUp(expectsSome = false): Promise<boolean> {
    if (this.#next) this.#next.expectsSome ||= expectsSome;
    else {
      // A look that is under way may have been too early for this caller: the one after it is not.
      const before = this.#running ?? Promise.resolve(true);
      this.#next = { expectsSome, ended: before.catch(() => {}).then(() => this.#begin()) };
    }
    return this.#next.ended;
  }

  /** Like {@link Sequencer.catchUp}, but goes on as soon as there is something to read behind `from`. */
  async somethingBehind(from: bigint): Promise<void> {
    const all = this.catchUp().then(() => true);
    all.catch(() => {}); // seen below, unless a batch comes first
    while (this.numbered.upTo <= from) {
      if (await Promise.race([all, this.numbered.next().then(() => false)])) return;
    }
  }

  /** Gives the lease back, for others to have it at once. Batches of this process go on until somebody takes it. */
  async release(): Promise<void> {
    await this.#lease.release();
  }

  #begin(): Promise<boolean> {
    const { expectsSome, ended } = this.#next!;
    this.#running = ended;
    this.#next = undefined;
    return this.#catchUp(expectsSome);
  }

  async #catchUp(expectsSome: boolean): Promise<boolean> {
    try {
      if (expectsSome && (await this.#numberUpTo(undefined)) === 'all') return true;
      let isTold = false;
      // What is committed meanwhile is for later calls: under steady load there is always something pending.
      let upTo: Timestamp | undefined;
      for (let wait = SHORTEST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
        const look = await this.#look(upTo);
        if (look.lanes !== undefined && look.lanes !== this.collections.laneCount) throw withOtherLanes(look.lanes);
        this.numbered.sawUpTo(look.position.toBigInt());
        if (!look.pending) return isTold;
        upTo ??= look.pending;
        if (!this.#lease.tenure?.epoch.equals(look.epoch)) await this.#lease.take(look);
        const numbered = await this.#numberUpTo(upTo);
        if (numbered === 'all') return true;
        if (numbered !== 'not-mine') {
          isTold ||= numbered === 'some';
          continue; // others were quicker, or there is more: what is left is seen by looking again
        }
        if (wait === SHORTEST_WAIT_MS) this.listeners.waiting();
        await delay(systemClock, wait);
      }
    } catch (error) {
      throw translate(error);
    }
  }

  async #look(upTo: Timestamp | undefined): Promise<Look> {
    const { sequencer, outbox } = this.collections;
    // What is pending is looked for first: what is not pending any more has a number that the counter, looked at later, has reached.
    const pending = upTo
      ? [{ $match: { pending: true, at: { $lte: upTo } } }, { $limit: 1 }]
      : [{ $match: { pending: true } }, { $sort: { at: -1 } }, { $limit: 1 }];
    const counter = [
      { $match: { _id: 'sequencer' } },
      { $project: { position: 1, epoch: 1, session: 1, lanes: 1, isFree: this.#lease.isFree } },
    ];
    const found = await outbox
      .aggregate<Partial<Look>>([
        ...pending,
        { $project: { _id: 0, pending: '$at' } },
        { $unionWith: { coll: sequencer.collectionName, pipeline: counter } },
      ])
      .toArray();
    const look = Object.assign({}, ...found) as Partial<Look>;
    if (look.position === undefined) throw withoutCounter(sequencer.namespace);
    return look as Look;
  }

  /**
   * Numbers what is pending, up to a time if one is given, or else one batch.
   *
   * @returns `'none'` when nothing was left to number, `'some'` when there may be more, `'not-mine'` when this process holds no lease
   */
  async #numberUpTo(upTo: Timestamp | undefined): Promise<'all' | 'some' | 'none' | 'not-mine'> {
    for (let batches = 0; ; batches++) {
      const batch = this.#lease.tenure && (await this.#numberBatch(this.#lease.tenure, upTo));
      if (!batch) return 'not-mine';
      if (batch.count === 0) return batches > 0 ? 'all' : 'none';
      this.numbered.add(batch.last - BigInt(batch.count) + 1n, batch.last, batch.lanes);
      this.listeners.numbered(batch.lanes);
      if (batch.count < MOST_A_BATCH) return 'all';
      if (!upTo) return 'some';
    }
  }

  /** @returns `undefined` when the tenure is over */
  async #numberBatch(tenure: Tenure, upTo: Timestamp | undefined): Promise<Batch | undefined> {
    const { session } = tenure;
    try {
      const endIfLeft = (): Promise<void> => (this.#lease.tenure?.session === session ? Promise.resolve() : session.endSession());
      const batch = await this.transactions.runIn(session, () => this.#number(tenure, upTo), undefined, endIfLeft);
      if (!batch) await this.#lease.leave();
      return batch;
    } catch (error) {
      // What became of the batch is seen at the next look; the driver may be busy in this session for a while yet.
      this.#lease.forget();
      if (!session.inTransaction()) await session.endSession();
      throw error;
    }
  }

  async #number({ epoch, session }: Tenure, upTo: Timestamp | undefined): Promise<Batch | undefined> {
    const { outbox } = this.collections;
    const pending = await outbox
      .find({ pending: true, ...(upTo && { at: { $lte: upTo } }) }, { session, batchSize: MOST_A_BATCH + 1 })
      .sort({ at: 1 })
      .limit(MOST_A_BATCH)
      .project<Pick<OutboxDocument, '_id' | 'lane' | 'at'>>({ lane: 1, at: 1 })
      .toArray();
    const count = pending.length;
    if (count === 0) return { count, lanes: [], last: 0n };
    if (pending[0]!.at.isZero()) throw withoutTimes();
    // Not as it was written: a process that still believes in another number of lanes would tear the stream apart.
    const { laneCount } = this.collections;
    const laneNow = pending.map(({ _id }) => laneOf(streamHash(_id.stream), laneCount));
    const lanes = [...new Set(laneNow)];
    const last = await this.#advance(epoch, count, lanes, session);
    if (last === undefined) return undefined;
    const first = last - BigInt(count) + 1n;
    await outbox.bulkWrite(
      pending.map(({ _id, lane }, nth) => {
        const moved = lane !== laneNow[nth] && { lane: laneNow[nth]! };
        const update = { $set: { position: int64(first + BigInt(nth)), ...moved }, $unset: { pending: 1 as const } };
        return { updateOne: { filter: { _id }, update } };
      }),
      { session, ordered: true },
    );
    return { count, lanes, last };
  }

  /** The fence: a write that no other batch at the same time survives, and the heartbeat of the lease. */
  async #advance(epoch: Long, count: number, lanes: readonly number[], session: ClientSession): Promise<bigint | undefined> {
    const counter = await this.collections.sequencer.findOneAndUpdate(
      { _id: 'sequencer', epoch },
      [
        {
          $set: {
            position: { $add: ['$position', int64(BigInt(count))] },
            leaseUntil: { $add: ['$$NOW', LEASE_MS] },
            notice: { $literal: noticeText({ sender: this.owner, lanes, count }) },
          },
        },
      ],
      { session, returnDocument: 'after' },
    );
    return counter?.position.toBigInt();
  }
}

function withOtherLanes(lanes: number): SchemaMismatchError {
  return new SchemaMismatchError(
    `The number of lanes was changed to ${lanes} while this process ran. Start it anew, with { lanes: ${lanes} } in the options.`,
  );
}

function withoutTimes(): SchemaMismatchError {
  return new SchemaMismatchError(
    'This server leaves empty timestamps empty, which MongoDB itself replaces by its cluster time: without them messages cannot be put in order. ' +
      'Is it another product that speaks the protocol of MongoDB? Nothing was delivered.',
  );
}

function withoutCounter(namespace: string): SchemaMismatchError {
  return new SchemaMismatchError(
    `${namespace} has lost its counter, the document "sequencer", so nothing can be put in order or delivered. Was it removed by hand, or restored without its data? Nothing was changed; restore the outbox as a whole.`,
  );
}
