import type { Binary, ClientSession, Document, Long } from 'mongodb';
import { endSessions } from './end-sessions.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { codeOf } from './mongodb-errors.js';

/** The time for which this process holds the lease, and the one session in which it runs its batches meanwhile. */
export interface Tenure {
  readonly epoch: Long;
  readonly session: ClientSession;
}

/** What is known of the tenure before. */
export interface LastTenure {
  readonly epoch: Long;
  /** Nobody else holds the lease. */
  readonly isFree: boolean;
  readonly session: Binary | null;
}

/** From the last batch on. */
export const LEASE_MS = 2_000;
const TAKE_MS = 300;
const MAX_TIME_EXPIRED = 50;

/**
 * The right to number messages, as this process has it or has not. It only keeps several from doing the same work: that the numbers are right
 * is the business of the counter, which every batch advances.
 */
export class SequencerLease {
  #tenure: Tenure | undefined;

  constructor(
    private readonly collections: MongoDBCollections,
    /** Of this process. */
    private readonly owner: string,
  ) {}

  /** Of this process; it may be over without this process knowing. */
  get tenure(): Tenure | undefined {
    return this.#tenure;
  }

  /** Whether nobody else has it, for the server to say. Of a lease that runs for longer than any can, a clock has gone back. */
  get isFree(): Document {
    return {
      $or: [{ $eq: ['$owner', this.owner] }, { $lte: ['$leaseUntil', '$$NOW'] }, { $gt: ['$leaseUntil', { $add: ['$$NOW', LEASE_MS] }] }],
    };
  }

  /** Unless somebody else has it. */
  async take(last: LastTenure): Promise<void> {
    await this.leave();
    if (!last.isFree) return;
    const session = this.collections.client.startSession();
    try {
      const taken = await this.#tryToTake(last, session);
      const epoch = taken === null ? await this.#endLastAndTake(last, session) : taken;
      if (epoch) this.#tenure = { epoch, session };
    } finally {
      if (!this.#tenure) await session.endSession();
    }
  }

  /** Whoever was killed in the middle of a batch has left a transaction open, which the server would keep for a minute. */
  async #endLastAndTake(last: LastTenure, session: ClientSession): Promise<Long | undefined> {
    if (!last.session) return undefined;
    await endSessions(this.collections.client, [last.session]);
    return (await this.#tryToTake(last, session)) ?? undefined;
  }

  /** @returns `undefined` when somebody else was quicker, `null` when a transaction is in the way */
  async #tryToTake({ epoch }: LastTenure, session: ClientSession): Promise<Long | undefined | null> {
    try {
      const taken = await this.collections.sequencer.findOneAndUpdate(
        { _id: 'sequencer', epoch, $expr: this.isFree },
        [
          {
            $set: {
              owner: { $literal: this.owner },
              epoch: epoch.add(1),
              leaseUntil: { $add: ['$$NOW', LEASE_MS] },
              session: { $literal: session.id!['id'] },
            },
          },
        ],
        { returnDocument: 'after', maxTimeMS: TAKE_MS },
      );
      return taken?.epoch;
    } catch (error) {
      if (codeOf(error) === MAX_TIME_EXPIRED) return null;
      throw error;
    }
  }

  /** Gives the lease back, for others to have it at once. Batches of this process go on until somebody takes it. */
  async release(): Promise<void> {
    if (!this.#tenure) return;
    const { epoch } = this.#tenure;
    await this.collections.sequencer.updateOne({ _id: 'sequencer', epoch }, [{ $set: { leaseUntil: '$$NOW' } }]);
  }

  /** The session is left to whoever runs a batch in it. */
  forget(): void {
    this.#tenure = undefined;
  }

  /** Ends the tenure's session, too. */
  async leave(): Promise<void> {
    const { session } = this.#tenure ?? {};
    this.#tenure = undefined;
    await session?.endSession();
  }
}
