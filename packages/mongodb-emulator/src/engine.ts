import type { Document, Timestamp } from 'bson';
import { COMMANDS, SINCE_WIRE_VERSION } from './commands/command-table.js';
import { Context } from './commands/context.js';
import type { Command, Surroundings } from './commands/context.js';
import type { Invocation } from './commands/invocation.js';
import { refuseUnknownFields } from './commands/known-fields.js';
import { standingOf } from './commands/standing.js';
import { finish } from './commands/waiting.js';
import { writeConcernErrorOf } from './commands/write-concern.js';
import type { ChangeSource, ChangeStreams } from './cursors/change-streams-port.js';
import { Cursors } from './cursors/cursors.js';
import { Oplog } from './oplog/oplog.js';
import { CODES, ServerError } from './server-error.js';
import { ClusterTime, NEVER, tickOf } from './store/cluster-time.js';
import { Expiry } from './store/expiry.js';
import { Isolation } from './store/isolation.js';
import { LeaveToWrite } from './store/leave-to-write.js';
import type { Steps } from './store/steps.js';
import { Store } from './store/store.js';
import { admit, endsTransaction } from './transactions/admission.js';
import { labelsOf } from './transactions/labels.js';
import type { Session } from './transactions/session.js';
import { Sessions } from './transactions/sessions.js';

export type { Invocation } from './commands/invocation.js';

export interface EngineOptions {
  /** Which server to behave like: from 25 on there is a `bulkWrite` command. */
  readonly maxWireVersion: number;
  /** After how long a transaction is aborted. Default 60,000. */
  readonly transactionLifetimeMs?: number;
  /** How often expired documents are looked for. Default 2,000; the real server takes 60,000. */
  readonly ttlIntervalMs?: number;
  /** How many commits change streams can go back. Default 100,000. */
  readonly oplogCapacity?: number;
  readonly clock?: () => Date;
  readonly isolation?: Isolation;
  /** Makes what answers `$changeStream`. Default: such aggregates are refused. */
  readonly changeStreams?: (source: ChangeSource) => ChangeStreams;
}

const DEFAULTS = { transactionLifetimeMs: 60_000, ttlIntervalMs: 2_000, oplogCapacity: 100_000 } as const;

/**
 * All of the server but its connections: executes commands on what it holds in memory.
 *
 * A command runs from its start to its end without anything in between, but for two kinds of waiting: a plain write for the transaction that
 * has written the same document or unique key, and a change stream for changes. What is atomic is so by that.
 */
export class Engine {
  readonly clusterTime: ClusterTime;
  readonly oplog: Oplog;
  readonly #store: Store;
  readonly #surroundings: Surroundings;
  readonly #maxWireVersion: number;

  constructor(options: EngineOptions) {
    const { clock = () => new Date(), isolation = new Isolation(), changeStreams, maxWireVersion } = options;
    const { transactionLifetimeMs, ttlIntervalMs, oplogCapacity } = { ...DEFAULTS, ...options };
    this.#maxWireVersion = maxWireVersion;
    this.clusterTime = new ClusterTime(clock);
    this.oplog = new Oplog(this.clusterTime.current, oplogCapacity);
    const store = (this.#store = new Store(this.clusterTime, this.oplog, isolation, clock));
    const leave = new LeaveToWrite(isolation);
    this.#surroundings = {
      store,
      leave,
      cursors: new Cursors(),
      sessions: new Sessions(store, transactionLifetimeMs),
      expiry: new Expiry(store, leave, ttlIntervalMs),
      changeStreams: changeStreams?.(this.#changeSource()),
    };
  }

  /**
   * Refuses what must not even touch its session: commands that are no part of transactions (263), options that do not go together (72),
   * a transaction number on what is no write (50768). {@link execute} does it by itself; a server that answers a command on its own
   * (`ping`, `hello`) asks here first.
   *
   * @throws ServerError
   */
  admit(invocation: Invocation): void {
    admit(invocation);
  }

  /**
   * Executes a command and answers the body of its reply, without `ok`, `operationTime` and `$clusterTime`.
   *
   * @throws ServerError with its labels set
   */
  async execute(invocation: Invocation): Promise<Document> {
    const { body } = invocation;
    try {
      const command = this.#commandFor(invocation);
      this.admit(invocation);
      if (body.txnNumber === undefined) return await this.#run(command, invocation);
      return await inTurn(this.#surroundings.sessions.of(body.lsid as Document), () => this.#run(command, invocation));
    } catch (error) {
      throw labelled(error, invocation);
    }
  }

  /** Aborts what is open, as a fail-over does. Its transactions are answered with 251 from now on. */
  abortOpenTransactions(): void {
    this.#surroundings.sessions.abortTransactions();
  }

  /** Closes every cursor, as a restart does: `getMore` is answered with 43 from now on. */
  closeCursors(): void {
    this.#surroundings.cursors.closeAll();
  }

  /**
   * Falls back to the data as of this time; what was committed later is gone, with its record of retryable writes. Open transactions are
   * aborted. Indexes stay as they are.
   */
  rollbackTo(clusterTime: Timestamp): void {
    this.abortOpenTransactions();
    const to = tickOf(clusterTime);
    this.#store.rollbackTo(to);
    this.#surroundings.sessions.fallBackTo(to);
  }

  /** Stops what runs on timers, and closes the cursors. Idempotent. */
  close(): void {
    this.#surroundings.expiry.close();
    this.abortOpenTransactions();
    this.closeCursors();
  }

  async #run(command: Command, invocation: Invocation): Promise<Document> {
    const { name, body, signal } = invocation;
    const standing = standingOf(invocation, this.#surroundings);
    try {
      refuseUnknownFields(name, body);
      const context = new Context(invocation, this.#surroundings, standing);
      const result = command(context);
      const reply = isSteps(result)
        ? await finish(result, { signal, maxTimeMs: context.arguments.positiveCount('maxTimeMS') })
        : await result;
      return { ...reply, ...writeConcernErrorOf(body) };
    } catch (error) {
      if (!endsTransaction(name)) standing.transaction?.abort();
      throw error;
    }
  }

  #commandFor({ name }: Invocation): Command {
    const command = COMMANDS.get(name);
    if (command && (SINCE_WIRE_VERSION.get(name) ?? 0) <= this.#maxWireVersion) return command;
    throw new ServerError(CODES.CommandNotFound, `no such command: '${name}'`);
  }

  #changeSource(): ChangeSource {
    const { oplog, clusterTime } = this;
    const { catalogue, isolation } = this.#store;
    const latest = { at: NEVER, writer: undefined };
    return {
      oplog,
      clusterTime,
      currentDocument: (db, collection, { _id }) => catalogue.get(db, collection)?.recordOf(_id)?.seenBy(latest, isolation),
    };
  }
}

/** One command of a session at a time: a retry waits for the first try to be over. */
async function inTurn(session: Session, run: () => Promise<Document>): Promise<Document> {
  while (session.running) await session.running;
  const running = run();
  session.running = running.catch(() => {});
  try {
    return await running;
  } finally {
    session.running = undefined;
  }
}

function isSteps(result: Document | Steps<Document> | Promise<Document>): result is Steps<Document> {
  return typeof (result as Steps<Document>).next === 'function' && Symbol.iterator in result;
}

function labelled(error: unknown, { name, body }: Invocation): unknown {
  if (!(error instanceof ServerError)) return error;
  if (error.labels) return error;
  const inTransaction = body.autocommit === false;
  const retryableWrite = body.txnNumber !== undefined && !inTransaction;
  const labels = labelsOf(error.code, { inTransaction, endsTransaction: endsTransaction(name), retryableWrite });
  const copy = new ServerError(error.code, error.message, error.extra, labels);
  if (error.stack !== undefined) copy.stack = error.stack;
  return copy;
}
