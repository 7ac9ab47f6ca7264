import { v4 as newUuid, validate as isUuid } from 'uuid';
import { AggregateRepository } from '../aggregate/aggregate-repository.js';
import { isSnapshotted } from '../aggregate/aggregate-root.js';
import type { AggregateRoot } from '../aggregate/aggregate-root.js';
import type { EventHistory } from '../aggregate/event-history.js';
import { systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import { InvalidOptionsError } from '../errors.js';
import { silentLogger } from '../logger.js';
import type { Logger } from '../logger.js';
import { Catalogue } from '../message/catalogue.js';
import type { MessageDefinition } from '../message/definition.js';
import type { Reached } from '../moment.js';
import { afterConflicts } from './after-conflicts.js';
import type { CommitStores } from './commit-stores.js';
import { knownCommit } from './known-commit.js';
import type { Findable } from './known-commit.js';
import { MAX_PAYLOAD_BYTES } from './encoded-message.js';
import type { Projector } from './projector.js';
import { messagesOfToken, receiptOf } from './receipt.js';
import type { Receipt } from './receipt.js';
import { OpenScope } from './scope.js';
import type { Scope } from './scope.js';
import { checkedMetadata, StagedCommit } from './staged-commit.js';
import type { Run } from './staged-commit.js';

export interface UnitOfWorkOptions<Tx> {
  readonly database: CommitStores<Tx>;
  /** Everything this application may emit or append; a type that is missing is refused at commit (`UNKNOWN_MESSAGE_TYPE`). */
  readonly catalogue: readonly MessageDefinition[];
  /** Where delivered events are read back from, e.g. `eventstore.history`. Without it aggregates load from the outbox alone. */
  readonly history?: EventHistory;
  readonly projectors?: readonly Projector<NoInfer<Tx>>[]; // Tx comes from `database` alone
  /** Metadata for every run, e.g. `() => ({ traceparent, tenant })`. Called once a run, before its first try. */
  readonly metadata?: () => Readonly<Record<string, string | undefined>>;
  /** Largest payload in bytes of JSON text. Default 1,000,000: what EventStoreDB takes, less room for metadata. */
  readonly maxPayloadBytes?: number;
  /** A unit of work that is open for longer is reported to the logger: somebody calls the outside world in it. Default 5,000. */
  readonly warnAfterMs?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Makes run ids, which must be UUIDs. Default: random ones. */
  readonly newId?: () => string;
  /** 0 (inclusive) to 1 (exclusive), for jitter. */
  readonly random?: () => number;
  /** Awaited at named moments; `CrashPoints` of `@waybill/testing` plugs in here. */
  readonly reached?: Reached;
}

export interface RunOptions {
  /** Reload and rerun the whole work this often when another commit came first. Default 0. */
  readonly retryOnConflict?: number;
  /** Stored with the result (as JSON): a repeat returns the first result and does not run `work`. */
  readonly idempotencyKey?: string;
  /** Default: the run's own id. */
  readonly correlationId?: string;
  readonly causationId?: string;
  /** Text by key, for every message of the run; `traceparent` is the W3C trace context. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A receipt of work in a transaction that somebody else commits. */
export interface JoinedReceipt<Result> extends Receipt<Result> {
  /** Call it after your commit: it wakes the dispatcher, which would otherwise find the messages at its next poll. */
  committed(): void;
}

// What is left to do once the transaction is known to be committed.
interface Prepared<Result> extends Findable {
  readonly receipt: Receipt<Result>;
  committed(): void;
}

/**
 * Commits aggregates, projections and outbox together, or not at all.
 *
 * Needs no `start`. One object serves the whole process, any number of runs side by side.
 */
export class UnitOfWork<Tx = unknown> {
  readonly #options: UnitOfWorkOptions<Tx>;
  readonly #catalogue: Catalogue;
  readonly #repository: AggregateRepository<Tx>;

  constructor(options: UnitOfWorkOptions<Tx>) {
    const { outbox, snapshots } = options.database;
    this.#options = options;
    this.#catalogue = new Catalogue(options.catalogue);
    this.#repository = new AggregateRepository({ outbox, snapshots, catalogue: this.#catalogue, history: options.history });
  }

  /**
   * Runs `work` in one transaction, projects and appends what it emitted, and commits.
   *
   * `work` may run more than once (`retryOnConflict`, and always on MongoDB): no outside effects in it. Whatever it throws rolls
   * everything back and is thrown on unchanged. A commit whose answer was lost is looked up, not guessed.
   *
   * @throws {@link ConcurrencyError}, {@link TransactionConflictError} another commit came first; nothing was committed
   * @throws {@link UnknownMessageTypeError}, {@link InvalidPayloadError}, {@link PayloadTooLargeError}, {@link InvalidStreamNameError}, {@link InvalidAppendError} bad input; nothing was committed
   * @throws {@link DatabaseUnavailableError} nothing was committed
   * @throws {@link CommitOutcomeUnknownError} the one case that is not known
   */
  async run<Result>(work: (scope: Scope<Tx>) => Promise<Result>, options: RunOptions = {}): Promise<Receipt<Result>> {
    const { clock = systemClock, random = Math.random } = this.#options;
    const { retryOnConflict = 0, signal } = options;
    if (!Number.isInteger(retryOnConflict) || retryOnConflict < 0)
      throw new InvalidOptionsError('retryOnConflict is a count: 0 or a whole number above it.');
    const run = this.#mint(options);

    return afterConflicts(retryOnConflict, () => this.#tryOnce(work, run, options), { clock, random, signal });
  }

  /**
   * The same inside a transaction that you opened and will commit. After an error of it, roll back.
   *
   * The receipt means something only once your own commit has succeeded.
   *
   * @throws what {@link UnitOfWork.run} throws for conflicts and bad input
   * @throws {@link InvalidOptionsError} `tx` is no open transaction, where the adapter can tell; nothing was written
   */
  async join<Result>(
    tx: Tx,
    work: (scope: Scope<Tx>) => Promise<Result>,
    options: Omit<RunOptions, 'retryOnConflict'> = {},
  ): Promise<JoinedReceipt<Result>> {
    this.#options.database.transactions.checkOpen?.(tx);
    const { receipt, committed } = await this.#within(tx, work, this.#mint(options), options);
    return { ...receipt, committed };
  }

  #mint({ correlationId, causationId, metadata }: RunOptions): Run {
    const { clock = systemClock, newId = newUuid, metadata: ambient } = this.#options;
    const id = newId();
    if (!isUuid(id)) throw new InvalidOptionsError(`newId() gave "${id}", which is not a UUID; message ids are derived from it.`);
    return {
      id,
      occurredAt: clock.now(),
      metadata: {
        ...checkedMetadata(ambient?.()),
        ...checkedMetadata(metadata),
        correlationId: correlationId ?? id,
        ...(causationId !== undefined && { causationId }),
      },
    };
  }

  async #tryOnce<Result>(work: (scope: Scope<Tx>) => Promise<Result>, run: Run, options: RunOptions): Promise<Receipt<Result>> {
    const { database, reached } = this.#options;
    const stopWarning = this.#warnWhenLong(run);
    let prepared: Prepared<Result>;
    try {
      prepared = await knownCommit(database.transactions, (tx) => this.#within(tx, work, run, options), options.signal);
    } finally {
      stopWarning();
    }
    prepared.committed();
    await reached?.('committed');
    return prepared.receipt;
  }

  async #within<Result>(tx: Tx, work: (scope: Scope<Tx>) => Promise<Result>, run: Run, options: RunOptions): Promise<Prepared<Result>> {
    const { database, projectors = [], maxPayloadBytes = MAX_PAYLOAD_BYTES, reached } = this.#options;
    const { idempotencyKey, signal } = options;
    if (idempotencyKey === '')
      throw new InvalidOptionsError('An idempotencyKey must not be empty: all requests would be repeats of the first.');
    if (idempotencyKey !== undefined) {
      const outcome = await database.idempotency.claim(idempotencyKey, tx);
      if (outcome !== undefined) return repeatOf<Result>(outcome);
    }

    const open = new OpenScope(tx, this.#repository, signal);
    const result = await work(open.scope).finally(() => open.close());
    const commit = StagedCommit.of(open, run, this.#catalogue, maxPayloadBytes);
    for (const message of commit.projected) {
      for (const projector of projectors) {
        if (projector.events.some(({ type }) => type === message.type))
          await projector.project(message, { tx, generation: 1, rebuilding: false });
      }
    }
    await reached?.('projected');
    await this.#saveSnapshots(commit.aggregates, tx);

    // The last write: from here to the commit the stream heads are locked.
    const { appends } = commit;
    // Under a key also where there is nothing to append: it tells the transaction's id, so that a lost answer can be looked up.
    const appended = appends.length > 0 || idempotencyKey !== undefined ? await database.outbox.append(appends, tx) : undefined;
    const receipt = receiptOf(result, commit.receiptMessages(appended?.firstRevisions ?? []));
    if (idempotencyKey !== undefined) await database.idempotency.record(idempotencyKey, outcomeText(idempotencyKey, receipt), tx);
    await reached?.('appended');

    const heads = commit.aggregates.map(
      (aggregate) => [aggregate, (aggregate.revision ?? -1n) + BigInt(aggregate.pending.length)] as const,
    );
    return {
      receipt,
      transactionId: appended?.transactionId,
      committed: () => {
        for (const [aggregate, head] of heads) aggregate.markCommitted(head);
        if (appends.length > 0)
          database.wakeUps.nudge(
            'committed',
            appends.map(({ hash }) => hash),
          );
      },
    };
  }

  async #saveSnapshots(aggregates: readonly AggregateRoot[], tx: Tx): Promise<void> {
    for (const aggregate of aggregates) {
      if (!isSnapshotted(aggregate)) continue;
      const events = Number((aggregate.revision ?? -1n) + 1n);
      const after = events + aggregate.pending.length;
      if (Math.floor(after / aggregate.snapshotEvery) === Math.floor(events / aggregate.snapshotEvery)) continue;
      const state = JSON.stringify(aggregate.toSnapshot());
      await this.#options.database.snapshots.save(
        { stream: aggregate.stream, version: aggregate.snapshotVersion, revision: BigInt(after - 1), state },
        tx,
      );
    }
  }

  #warnWhenLong({ id }: Run): () => void {
    const { clock = systemClock, warnAfterMs = 5_000, logger = silentLogger } = this.#options;
    return clock.after(warnAfterMs, () => {
      logger.warn(
        { runId: id, warnAfterMs },
        'A unit of work is still open: it holds a connection and locks. Is the outside world called in it?',
      );
    });
  }
}

function outcomeText(idempotencyKey: string, { result, token }: Receipt): string {
  try {
    return JSON.stringify({ result, token });
  } catch (cause) {
    throw new InvalidOptionsError(
      `The result of the work with idempotencyKey "${idempotencyKey}" cannot be stored as JSON (${String(cause)}). Return plain data, or nothing; nothing was committed.`,
      { cause },
    );
  }
}

function repeatOf<Result>(outcome: string): Prepared<Result> {
  const { result, token } = JSON.parse(outcome) as { result: Result; token: string };
  return { receipt: receiptOf(result, messagesOfToken(token), true), transactionId: undefined, committed: () => {} };
}
