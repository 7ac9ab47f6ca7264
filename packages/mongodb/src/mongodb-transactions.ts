import {
  CommitOutcomeUnknownError,
  DatabaseUnavailableError,
  InvalidOptionsError,
  TransactionConflictError,
  TransactionRolledBackError,
  delay,
  systemClock,
} from '@waybill/core';
import type { TransactionRunner } from '@waybill/core';
import type { ClientSession, Db, TransactionOptions } from 'mongodb';
import { int64 } from './int64.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { codeOf, isUnavailable, leavesCommitOpen, translate } from './mongodb-errors.js';
import type { MongoDBTx } from './mongodb-tx.js';
import { requireOpen } from './require-open.js';
import { transactionOf } from './transaction-id.js';
import { within } from './within.js';

const LONGEST_LOOK_MS = 30_000;
const LOOK_AGAIN_MS = 100;
const ONE_LOOK_MS = 1_000;
const END_MS = 5_000;
const MOST_KILLS = 20;
// The driver reruns for two minutes what the server has aborted meanwhile. Once may be a fail-over; time after time it is a swallowed error.
const MOST_LOST_TRANSACTIONS = 5;
const NO_SUCH_TRANSACTION = 251;

const OPTIONS: TransactionOptions = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority' },
  readPreference: 'primary',
};

export interface MongoDBPatience {
  /** For how long work that loses against others is run again. */
  readonly retryForMs: number;
  /** For how long the answer to a commit is waited for. */
  readonly commitTimeoutMs: number;
}

/** Runs transactions by the driver's `withTransaction`, bounded, and finds out what became of those whose answer was lost. */
export class MongoDBTransactions implements TransactionRunner<MongoDBTx> {
  readonly #own = new WeakSet<ClientSession>();

  constructor(
    private readonly collections: MongoDBCollections,
    private readonly db: Db,
    private readonly patience: MongoDBPatience,
  ) {}

  /** True for the sessions in which {@link MongoDBTransactions.run} runs its work. */
  owns(session: ClientSession): boolean {
    return this.#own.has(session);
  }

  run<Result>(work: (tx: MongoDBTx) => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    const session = this.collections.client.startSession();
    this.#own.add(session);
    return this.runIn(session, work, signal, () => session.endSession());
  }

  /** {@link MongoDBTransactions.run} in a session of the caller's, which is its own again when `after` is called: that may be later. */
  async runIn<Result>(
    session: ClientSession,
    work: (tx: MongoDBTx) => Promise<Result>,
    signal?: AbortSignal,
    after: () => Promise<void> = () => Promise.resolve(),
  ): Promise<Result> {
    const { retryForMs } = this.patience;
    const giveUpAt = systemClock.monotonic() + retryForMs;
    const commit = new CommitWatch(this.patience.commitTimeoutMs);
    let [runs, lostTransactions] = [0, 0];
    let conflict: unknown;
    /** What to throw after the driver, which must not abort again what the work itself has ended. */
    let ended: unknown;

    const running = session
      .withTransaction(async () => {
        // The driver goes on by itself after nobody waits for it any more: what was given up must not be done again.
        if (commit.isGivenUp) throw new TransactionRolledBackError();
        if (commit.isUnderWay) lostTransactions++;
        commit.reset();
        if (lostTransactions >= MOST_LOST_TRANSACTIONS) throw new TransactionRolledBackError();
        if (runs > 0 && systemClock.monotonic() >= giveUpAt) throw tooManyRuns(runs, retryForMs, conflict);
        runs++;
        try {
          const result = await work({ session, db: this.db });
          signal?.throwIfAborted();
          if (session.inTransaction()) commit.begin();
          else ended = isCommitted(session) ? endedByWork() : new TransactionRolledBackError();
          return result;
        } catch (error) {
          conflict = error;
          if (codeOf(error) === NO_SUCH_TRANSACTION) lostTransactions++;
          if (session.inTransaction()) throw error;
          ended = error;
          return undefined as Result;
        }
      }, OPTIONS)
      .finally(after);
    running.catch(() => {}); // seen below, unless the commit takes too long

    try {
      const result = await Promise.race([running, commit.takesTooLong]);
      if (ended !== undefined) throw ended as Error;
      return result;
    } catch (error) {
      if (!commit.isUnderWay || !leavesCommitOpen(error)) throw translate(error);
      commit.giveUp();
      await within(END_MS, this.#endOnServer(session));
      throw new CommitOutcomeUnknownError(undefined, { cause: error });
    } finally {
      commit.reset();
    }
  }

  checkOpen(tx: MongoDBTx): void {
    requireOpen(tx);
  }

  async outcome(transactionId: string, signal?: AbortSignal): Promise<'committed' | 'rolled-back' | 'unknown'> {
    const deadline = systemClock.monotonic() + LONGEST_LOOK_MS;
    for (let left = LONGEST_LOOK_MS; left > 0 && !signal?.aborted; left = deadline - systemClock.monotonic()) {
      const found = await within(left, this.#look(transactionId), signal);
      if (found !== undefined) return found;
      await delay(systemClock, LOOK_AGAIN_MS, signal); // still in progress, or the server is not back yet
    }
    return 'unknown';
  }

  /** A transaction that was given up would keep its locks until the server's time limit for it; without an answer it does. */
  async #endOnServer(session: ClientSession): Promise<void> {
    const { id } = session;
    const kill = (): Promise<boolean> =>
      this.collections.client
        .db('admin')
        .command({ killSessions: [id] })
        .then(
          () => true,
          (error: unknown) => !isUnavailable(error as Error), // not permitted: the server's limit ends it
        );
    let isEnded = await kill();
    await session.endSession(); // or the driver would go on committing what is given up
    for (let tries = 0; !isEnded && tries < MOST_KILLS; tries++) {
      await delay(systemClock, LOOK_AGAIN_MS); // that connection was lost, and the next one may not be
      isEnded = await kill();
    }
  }

  /** `undefined` when it cannot be said yet. */
  async #look(transactionId: string): Promise<'committed' | 'rolled-back' | 'unknown' | undefined> {
    const { streams, outbox, marks } = this.collections;
    const { message, mark } = transactionOf(transactionId);
    try {
      // A write outside any transaction waits until the open one that wrote the same document has ended: after it nothing can change.
      const wait = { upsert: true, maxTimeMS: ONE_LOOK_MS };
      if (mark !== undefined) {
        await marks.updateOne({ _id: mark }, { $inc: { looks: 1 } }, wait);
        await marks.deleteOne({ _id: mark, at: { $exists: false } });
        return (await marks.findOne({ _id: mark })) ? 'committed' : 'rolled-back';
      }
      const { id, stream, revision } = message!;
      await streams.updateOne({ _id: stream }, { $inc: { looks: 1 } }, wait);
      await streams.deleteOne({ _id: stream, revision: { $exists: false } });
      const head = await streams.findOne({ _id: stream });
      const found = await outbox.findOne({ _id: { stream, revision: int64(BigInt(revision)) } }, { projection: { id: 1 } });
      if (found?.id === id) return 'committed';
      // A message that is not there, and whose stream has passed it, was removed since: whose it was nobody knows any more.
      const isPassed = head?.revision !== undefined && head.revision.toBigInt() >= BigInt(revision);
      return found || !isPassed ? 'rolled-back' : 'unknown';
    } catch (error) {
      if (isUnavailable(error as Error) || codeOf(error) === 112) return undefined;
      throw translate(error);
    }
  }
}

/** Knows whether a commit is under way, and when it has been so for too long: the driver itself would try for two minutes. */
class CommitWatch {
  isUnderWay = false;
  isGivenUp = false;
  readonly takesTooLong: Promise<never>;
  #tooLong: (error: Error) => void = () => {};
  #stop: (() => void) | undefined;

  constructor(private readonly timeoutMs: number) {
    this.takesTooLong = new Promise((_, reject) => (this.#tooLong = reject));
    this.takesTooLong.catch(() => {});
  }

  begin(): void {
    this.isUnderWay = true;
    this.#stop = systemClock.after(this.timeoutMs, () => {
      this.#tooLong(new Error(`no answer to the commit within ${this.timeoutMs} ms`));
    });
  }

  reset(): void {
    this.isUnderWay = false;
    this.#stop?.();
  }

  giveUp(): void {
    this.isGivenUp = true;
  }
}

// Not in the driver's types: for the words of an error alone.
const isCommitted = (session: ClientSession): boolean =>
  /^TRANSACTION_COMMITTED/.test((session as { readonly transaction?: { readonly state?: string } }).transaction?.state ?? '');

function endedByWork(): InvalidOptionsError {
  return new InvalidOptionsError(
    'The work has committed the transaction itself. Leave that to run(): what it wrote before is committed, and what came after is not part of it.',
  );
}

function tooManyRuns(runs: number, ms: number, cause: unknown): TransactionConflictError | DatabaseUnavailableError {
  if (cause instanceof Error && isUnavailable(cause)) {
    return new DatabaseUnavailableError(`${runs} runs within ${ms} ms failed, last by "${cause.message}"`, { cause });
  }
  return new TransactionConflictError(
    `it lost ${runs} times within ${ms} ms, last by "${cause instanceof Error ? cause.message : String(cause)}"`,
    { cause },
  );
}
