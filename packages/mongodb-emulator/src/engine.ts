import type { Document, Timestamp } from 'bson';
import type { Invocation } from './commands/invocation.js';
import type { ChangeSource, ChangeStreams } from './cursors/change-streams-port.js';
import { Oplog } from './oplog/oplog.js';
import { ClusterTime } from './store/cluster-time.js';
import { Isolation } from './store/isolation.js';

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

/** All of the server but its connections: executes commands on what it holds in memory. */
export class Engine {
  readonly clusterTime: ClusterTime;
  readonly oplog: Oplog;

  constructor(options: EngineOptions) {
    const { clock = () => new Date(), oplogCapacity = 100_000, isolation = new Isolation() } = options;
    void isolation;
    this.clusterTime = new ClusterTime(clock);
    this.oplog = new Oplog(this.clusterTime.current, oplogCapacity);
  }

  /**
   * Refuses what must not even touch its session: commands that are no part of transactions (263), options that do not go together (72),
   * a transaction number on what is no write (50768). {@link execute} does it by itself; a server that answers a command on its own
   * (`ping`, `hello`) asks here first.
   *
   * @throws ServerError
   */
  admit(invocation: Invocation): void {
    void invocation;
  }

  /**
   * Executes a command and answers the body of its reply, without `ok`, `operationTime` and `$clusterTime`.
   *
   * @throws ServerError with its labels set
   */
  async execute(invocation: Invocation): Promise<Document> {
    this.admit(invocation);
    throw new Error('Not there yet.');
  }

  /** Aborts what is open, as a fail-over does. Its transactions are answered with 251 from now on. */
  abortOpenTransactions(): void {}

  /** Falls back to the data as of this time; what was committed later is gone, with its record of retryable writes. */
  rollbackTo(clusterTime: Timestamp): void {
    void clusterTime;
  }

  /** Stops what runs on timers. Idempotent. */
  close(): void {}
}
