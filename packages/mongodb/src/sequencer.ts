import { randomUUID } from 'node:crypto';
import { delay, SchemaMismatchError, systemClock } from '@waybill/core';
import type { ClientSession } from 'mongodb';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import type { MongoDBTransactions } from './mongodb-transactions.js';
import { notice } from './stored-documents.js';
import type { OutboxDocument, SequencerDocument } from './stored-documents.js';

export interface SequencerListeners {
  /** The lanes of each batch that was numbered here. */
  numbered(lanes: readonly number[]): void;
  /** Messages wait for somebody else to number them. */
  waiting(): void;
}

/** What one look at the outbox tells. */
interface Look {
  /** Everything up to here can be read. */
  readonly position: bigint;
  readonly isPending: boolean;
  /** Somebody else gives numbers just now. */
  readonly isTaken: boolean;
}

const MOST_A_BATCH = 1_000;
const LEASE_MS = 2_000;
const BATCH_MS = 20_000; // a batch that cannot get through is given up, and begun again with a new look
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
  readonly #owner = randomUUID();
  #readable = 0n;
  #running: Promise<bigint> | undefined;
  #next: Promise<bigint> | undefined;

  constructor(
    private readonly collections: MongoDBCollections,
    private readonly transactions: MongoDBTransactions,
    private readonly listeners: SequencerListeners,
  ) {}

  /** Up to here everything can be read, as far as this process knows. */
  get readable(): bigint {
    return this.#readable;
  }

  /** Somebody else has numbered up to here. */
  saw(position: bigint): void {
    if (position > this.#readable) this.#readable = position;
  }

  /**
   * Sees to it that everything that was committed before the call has its number. Calls at the same time share one look.
   *
   * @returns the last position that was given
   */
  catchUp(): Promise<bigint> {
    // A look that is under way may have been too early for this caller: the one after it is not.
    this.#next ??= (this.#running ?? Promise.resolve(0n))
      .catch(() => {})
      .then(() => {
        this.#running = this.#next;
        this.#next = undefined;
        return this.#catchUp();
      });
    return this.#next;
  }

  async #catchUp(): Promise<bigint> {
    try {
      for (let wait = SHORTEST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
        const { position, isPending, isTaken } = await this.#look();
        this.saw(position);
        if (!isPending) return this.#readable;
        if (!isTaken && (await this.#numberAll())) return this.#readable;
        if (wait === SHORTEST_WAIT_MS) this.listeners.waiting();
        await delay(systemClock, wait);
      }
    } catch (error) {
      throw translate(error);
    }
  }

  async #look(): Promise<Look> {
    const { sequencer, outbox } = this.collections;
    const [look] = await sequencer
      .aggregate<Look>([
        { $match: { _id: 'sequencer' } },
        {
          $project: {
            position: 1,
            isTaken: { $and: [{ $ne: ['$owner', this.#owner] }, { $gt: ['$leaseUntil', '$$NOW'] }] },
          },
        },
        {
          $unionWith: {
            coll: outbox.collectionName,
            pipeline: [{ $match: { pending: true } }, { $limit: 1 }, { $project: { isPending: { $literal: true } } }],
          },
        },
        { $group: { _id: null, position: { $max: '$position' }, isTaken: { $max: '$isTaken' }, isPending: { $max: '$isPending' } } },
      ])
      .toArray();
    return { position: look?.position ?? 0n, isTaken: look?.isTaken ?? false, isPending: look?.isPending ?? false };
  }

  /** @returns false when somebody else came first */
  async #numberAll(): Promise<boolean> {
    for (;;) {
      const numbered = await this.#numberBatch();
      if (!numbered) return false;
      this.saw(numbered.position);
      if (numbered.lanes.length > 0) this.listeners.numbered(numbered.lanes);
      if (numbered.count < MOST_A_BATCH) return true;
    }
  }

  async #numberBatch(): Promise<{ readonly count: number; readonly position: bigint; readonly lanes: readonly number[] } | undefined> {
    const { outbox } = this.collections;
    return this.transactions.runFor(BATCH_MS, async ({ session }) => {
      const pending = await outbox
        .find({ pending: true }, { session })
        .sort({ at: 1, stream: 1, revision: 1 })
        .limit(MOST_A_BATCH)
        .project<Pick<OutboxDocument, '_id' | 'lane' | 'at'>>({ lane: 1, at: 1 })
        .toArray();
      if (pending[0]?.at.isZero()) throw withoutTimes();
      const count = pending.length;
      const lanes = [...new Set(pending.map(({ lane }) => lane))];
      if (count === 0) return { count, lanes, position: this.#readable };
      const counter = await this.#advance(count, lanes, session);
      if (!counter) return undefined;
      const first = counter.position - BigInt(count) + 1n;
      await outbox.bulkWrite(
        pending.map(({ _id }, nth) => ({
          updateOne: { filter: { _id }, update: { $set: { position: first + BigInt(nth) }, $unset: { pending: 1 } } },
        })),
        { session, ordered: true },
      );
      return { count, lanes, position: counter.position };
    });
  }

  /** The fence: a write that no other batch at the same time survives, and the heartbeat of the lease. */
  #advance(count: number, lanes: readonly number[], session: ClientSession): Promise<SequencerDocument | null> {
    const mine = { $eq: ['$owner', this.#owner] };
    return this.collections.sequencer.findOneAndUpdate(
      { _id: 'sequencer', $or: [{ owner: this.#owner }, { $expr: { $lte: ['$leaseUntil', '$$NOW'] } }] },
      [
        {
          $set: {
            position: { $add: ['$position', BigInt(count)] },
            epoch: { $cond: [mine, '$epoch', { $add: ['$epoch', 1n] }] },
            owner: this.#owner,
            leaseUntil: { $add: ['$$NOW', LEASE_MS] },
            notice: notice(randomUUID(), lanes),
          },
        },
      ],
      { session, returnDocument: 'after' },
    );
  }
}

function withoutTimes(): SchemaMismatchError {
  return new SchemaMismatchError(
    'This server leaves empty timestamps empty, which MongoDB itself replaces by its cluster time: without them messages cannot be put in order. ' +
      'Is it another product that speaks the protocol of MongoDB? Nothing was delivered.',
  );
}
