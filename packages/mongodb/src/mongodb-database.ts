import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { InvalidOptionsError } from '@waybill/core';
import type {
  Adoption,
  ArrivalStore,
  CaseStore,
  Database,
  DeliveryStatus,
  IdempotencyStore,
  InboxStore,
  Instances,
  LaneActions,
  LaneChange,
  LaneLeases,
  LaneStore,
  OutboxIdentity,
  OutboxStore,
  ProcessStore,
  ProjectionStore,
  Retention,
  RouteStore,
  SharedLimits,
  SnapshotStore,
  SubscriptionStore,
  TransactionRunner,
  WakeUps,
} from '@waybill/core';
import type { MongoClient } from 'mongodb';
import { MongoDBActions } from './mongodb-actions.js';
import { MongoDBArrivals } from './mongodb-arrivals.js';
import { MongoDBCases } from './mongodb-cases.js';
import { MongoDBCollections } from './mongodb-collections.js';
import { MongoDBIdentity } from './mongodb-identity.js';
import { MongoDBInstances } from './mongodb-instances.js';
import { MongoDBIdempotency, MongoDBInbox, MongoDBSnapshots } from './mongodb-keyed-stores.js';
import { MongoDBLanes } from './mongodb-lanes.js';
import { MongoDBLeases } from './mongodb-leases.js';
import { MongoDBLimits } from './mongodb-limits.js';
import { MongoDBOutbox } from './mongodb-outbox.js';
import { MongoDBProcesses } from './mongodb-processes.js';
import { MongoDBProjections } from './mongodb-projections.js';
import { MongoDBRetention } from './mongodb-retention.js';
import { MongoDBRoutes } from './mongodb-routes.js';
import { MongoDBStatus } from './mongodb-status.js';
import { MongoDBSubscriptions } from './mongodb-subscriptions.js';
import { MongoDBTransactions } from './mongodb-transactions.js';
import type { MongoDBTx } from './mongodb-tx.js';
import { MongoDBWakeUps } from './mongodb-wake-ups.js';
import { adopt } from './schema/adopt.js';
import { changeLanes } from './schema/change-lanes.js';
import { migrate } from './schema/migrate.js';
import { verify } from './schema/verify.js';
import { Sequencer } from './sequencer.js';

export interface MongoDBOptions {
  /** Yours, of a replica set or a sharded cluster; never closed by Waybill. */
  readonly client: MongoClient;
  /** Where your collections are: the `db` of every transaction. */
  readonly database: string;
  /** Where Waybill's own collections are, in the same cluster. Default: in yours. */
  readonly outboxDatabase?: string;
  /** What the names of Waybill's collections begin with. Default `'waybill_'`. */
  readonly prefix?: string;
  /** Ordered paths per route, as the collections were made, or changed by `changeLanes`; 1 to 1,024. Default 16. */
  readonly lanes?: number;
  /**
   * What this outbox is called, e.g. `'orders-production'`. Stored when first given; where another name is stored, dispatchers do not start:
   * the database is a copy.
   */
  readonly name?: string;
  /**
   * For how long a transaction that loses against others is run again before it fails with `TRANSACTION_CONFLICT`, in milliseconds.
   * Default 10,000; the driver alone would go on for two minutes.
   */
  readonly retryForMs?: number;
  /**
   * For how long the answer to a commit is waited for, in milliseconds, before the transaction is ended on the server and its outcome
   * looked up; at least 100. Default 15,000.
   */
  readonly commitTimeoutMs?: number;
  /** Whether processes tell each other of commits through a change stream; without one, dispatchers find them by polling. Default true. */
  readonly changeStream?: boolean;
}

/** Waybill on MongoDB 5.0 or newer: a replica set, or a sharded cluster through mongos. */
export class MongoDBDatabase implements Database<MongoDBTx> {
  readonly transactions: TransactionRunner<MongoDBTx>;
  readonly outbox: OutboxStore<MongoDBTx>;
  readonly snapshots: SnapshotStore<MongoDBTx>;
  readonly idempotency: IdempotencyStore<MongoDBTx>;
  readonly wakeUps: WakeUps;
  readonly inbox: InboxStore<MongoDBTx>;
  readonly arrivals: ArrivalStore<MongoDBTx>;
  readonly limits: SharedLimits;
  readonly subscriptions: SubscriptionStore<MongoDBTx>;
  readonly projections: ProjectionStore<MongoDBTx>;
  readonly processes: ProcessStore<MongoDBTx>;
  readonly cases: CaseStore<MongoDBTx>;
  readonly routes: RouteStore;
  readonly lanes: LaneStore;
  readonly leases: LaneLeases;
  readonly instances: Instances;
  readonly actions: LaneActions;
  readonly status: DeliveryStatus;
  readonly retention: Retention;
  readonly identity: OutboxIdentity;
  readonly #collections: MongoDBCollections;
  readonly #transactions: MongoDBTransactions;
  readonly #name: string | undefined;

  /** @throws {@link InvalidOptionsError} names or numbers that cannot be */
  constructor(options: MongoDBOptions) {
    const {
      client,
      database,
      outboxDatabase = database,
      prefix = 'waybill_',
      lanes = 16,
      retryForMs = 10_000,
      commitTimeoutMs = 15_000,
      changeStream = true,
    } = options;
    refuseName('database', database);
    refuseName('outboxDatabase', outboxDatabase);
    if (prefix.includes('$') || prefix.includes('\0') || prefix.startsWith('system.'))
      throw new InvalidOptionsError(
        `prefix is ${JSON.stringify(prefix)}; names of collections hold no "$", and do not begin with "system.".`,
      );
    if (!Number.isInteger(lanes) || lanes < 1 || lanes > 1_024)
      throw new InvalidOptionsError(`lanes is ${lanes}; it must be a whole number from 1 to 1,024.`);
    if (!(retryForMs >= 0)) throw new InvalidOptionsError(`retryForMs is ${retryForMs}; it must be a number of milliseconds.`);
    if (!(commitTimeoutMs >= 100)) throw new InvalidOptionsError(`commitTimeoutMs is ${commitTimeoutMs}; it must be at least 100.`);

    const collections = new MongoDBCollections(client, outboxDatabase, prefix, lanes);
    this.#collections = collections;
    const transactions = new MongoDBTransactions(collections, client.db(database), { retryForMs, commitTimeoutMs });
    this.transactions = transactions;
    this.#transactions = transactions;
    this.#name = options.name;
    this.identity = new MongoDBIdentity(collections);
    // Sequencer and wake-ups tell each other: what was numbered here, and that something is to be numbered.
    const owner = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
    const wakeUps = new MongoDBWakeUps(collections, () => sequencer, owner, changeStream);
    const sequencer = new Sequencer(collections, transactions, owner, {
      numbered: (batch) => wakeUps.tell({ kind: 'committed', lanes: batch }),
      waiting: () => wakeUps.signal('committed', []),
    });
    this.wakeUps = wakeUps;
    const outbox = new MongoDBOutbox(collections, transactions);
    this.outbox = outbox;
    this.snapshots = new MongoDBSnapshots(collections);
    this.idempotency = new MongoDBIdempotency(collections);
    this.inbox = new MongoDBInbox(collections);
    this.arrivals = new MongoDBArrivals(collections);
    this.limits = new MongoDBLimits(collections);
    this.subscriptions = new MongoDBSubscriptions(collections, transactions);
    this.projections = new MongoDBProjections(collections);
    this.processes = new MongoDBProcesses(collections, transactions);
    this.cases = new MongoDBCases(collections);
    this.routes = new MongoDBRoutes(collections, transactions, sequencer);
    this.lanes = new MongoDBLanes(collections, transactions, outbox, sequencer);
    this.leases = new MongoDBLeases(collections);
    this.instances = new MongoDBInstances(collections);
    this.actions = new MongoDBActions(collections);
    this.status = new MongoDBStatus(collections);
    this.retention = new MongoDBRetention(collections, transactions);
  }

  /**
   * @throws {@link SchemaMismatchError} a stand-alone server, or collections that are newer than this package or made for another number of lanes
   * @throws {@link DatabaseUnavailableError}
   */
  async migrate({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await migrate(this.#collections, signal);
  }

  /**
   * @throws {@link SchemaMismatchError} a stand-alone server, or collections that are missing or made for other options
   * @throws {@link DatabaseReplacedError} a dump that was restored, or a counter that has gone back
   * @throws {@link DatabaseUnavailableError}
   */
  async verify(): Promise<void> {
    await verify(this.#collections, this.#name);
  }

  async adopt(): Promise<Adoption> {
    return adopt(this.#collections, this.#name);
  }

  /** Let writers know the new number, too: messages of those who do not are put into their lane later, when they get their position. */
  async changeLanes(): Promise<LaneChange> {
    return changeLanes(this.#collections, this.#transactions);
  }
}

// What MongoDB refuses on any platform; on Windows it refuses more.
function refuseName(option: string, name: string): void {
  if (name !== '' && !/[/\\. "$\0]/.test(name) && Buffer.byteLength(name) <= 63) return;
  throw new InvalidOptionsError(
    `${option} is ${JSON.stringify(name)}; a database's name has 1 to 63 bytes and none of / \\ . " $ or blank.`,
  );
}
