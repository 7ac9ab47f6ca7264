import { InvalidOptionsError } from '@waybill/core';
import type { Adoption, Database, LaneChange, TransactionRunner } from '@waybill/core';
import type { ClientConfig, Pool } from 'pg';
import { PostgresActions } from './postgres-actions.js';
import { PostgresArrivals } from './postgres-arrivals.js';
import { PostgresCases } from './postgres-cases.js';
import { PostgresConnection } from './postgres-connection.js';
import { PostgresInstances } from './postgres-instances.js';
import { PostgresIdentity } from './postgres-identity.js';
import { PostgresIdempotency, PostgresInbox, PostgresSnapshots } from './postgres-keyed-stores.js';
import { PostgresLanes } from './postgres-lanes.js';
import { PostgresLeases } from './postgres-leases.js';
import { PostgresLimits } from './postgres-limits.js';
import { PostgresOutbox } from './postgres-outbox.js';
import { PostgresProcesses } from './postgres-processes.js';
import { PostgresProjections } from './postgres-projections.js';
import { PostgresRetention } from './postgres-retention.js';
import { PostgresRoutes } from './postgres-routes.js';
import { PostgresStatus } from './postgres-status.js';
import { PostgresSubscriptions } from './postgres-subscriptions.js';
import { poolTransactions, PostgresTransactions } from './postgres-transactions.js';
import type { ForeignTransactions, PostgresTx } from './postgres-tx.js';
import { PostgresWakeUps } from './postgres-wake-ups.js';
import { adopt } from './schema/adopt.js';
import { changeLanes } from './schema/change-lanes.js';
import { migrate } from './schema/migrate.js';
import { quotedSchema } from './schema/schema-name.js';
import { verify } from './schema/verify.js';

export interface PostgresOptions {
  /** Yours; never ended by Waybill. Listen to its `error` event, as with any pool. */
  readonly pool: Pool;
  /** Where Waybill's tables are; any name, also one that needs quoting. Default `'waybill'`. */
  readonly schema?: string;
  /** Ordered paths per route, as the schema was created, or changed by `changeLanes`; 1 to 1,024. Default 16. */
  readonly lanes?: number;
  /**
   * What this outbox is called, e.g. `'orders-production'`. Stored when first given; where another name is stored, dispatchers do not start:
   * the database is a copy.
   */
  readonly name?: string;
  /**
   * How wake-ups from other processes arrive: a connection to listen on. Default: one with the pool's own settings. Where the pool
   * goes through PgBouncer, give the server's own address, or `false` for polling only.
   */
  readonly listen?: ClientConfig | false;
}

/**
 * Waybill on PostgreSQL 14 or newer.
 *
 * @typeParam Tx - what `run`, `join`, projectors and handlers get as `tx`: by default anything with `query(text, values)`, such as a
 *   `pg.PoolClient`; with `transactions`, your query builder's own
 */
export class PostgresDatabase<Tx = PostgresTx> implements Database<Tx> {
  readonly transactions: TransactionRunner<Tx>;
  readonly outbox: PostgresOutbox<Tx>;
  readonly snapshots: PostgresSnapshots<Tx>;
  readonly idempotency: PostgresIdempotency<Tx>;
  readonly wakeUps: PostgresWakeUps;
  readonly inbox: PostgresInbox<Tx>;
  readonly arrivals: PostgresArrivals<Tx>;
  readonly limits: PostgresLimits;
  readonly subscriptions: PostgresSubscriptions<Tx>;
  readonly projections: PostgresProjections<Tx>;
  readonly processes: PostgresProcesses<Tx>;
  readonly cases: PostgresCases<Tx>;
  readonly routes: PostgresRoutes;
  readonly lanes: PostgresLanes;
  readonly leases: PostgresLeases;
  readonly instances: PostgresInstances;
  readonly actions: PostgresActions;
  readonly status: PostgresStatus;
  readonly retention: PostgresRetention;
  readonly identity: PostgresIdentity;
  readonly #connection: PostgresConnection<Tx>;
  readonly #name: string | undefined;

  /** @throws {@link InvalidOptionsError} a schema name or number of lanes that cannot be */
  constructor(
    options: PostgresOptions &
      (PostgresTx extends Tx ? { readonly transactions?: ForeignTransactions<Tx> } : { readonly transactions: ForeignTransactions<Tx> }),
  ) {
    const { pool, schema = 'waybill', lanes = 16, listen = pool.options } = options;
    if (!Number.isInteger(lanes) || lanes < 1 || lanes > 1_024)
      throw new InvalidOptionsError(`lanes is ${lanes}; it must be a whole number from 1 to 1,024.`);
    // Without `transactions` the constructor's type allows only a Tx that a pool client is.
    const transactions = options.transactions ?? (poolTransactions(pool) as unknown as ForeignTransactions<Tx>);
    const connection = new PostgresConnection<Tx>(pool, quotedSchema(schema), schema, lanes, (tx) => transactions.handle(tx));
    this.#connection = connection;
    this.#name = options.name;
    this.identity = new PostgresIdentity(connection);
    this.transactions = new PostgresTransactions(pool, transactions, connection.schema);
    this.outbox = new PostgresOutbox(connection);
    this.snapshots = new PostgresSnapshots(connection);
    this.idempotency = new PostgresIdempotency(connection);
    this.wakeUps = new PostgresWakeUps(connection, listen);
    this.inbox = new PostgresInbox(connection);
    this.arrivals = new PostgresArrivals(connection);
    this.limits = new PostgresLimits(connection);
    this.subscriptions = new PostgresSubscriptions(connection);
    this.projections = new PostgresProjections(connection);
    this.processes = new PostgresProcesses(connection);
    this.cases = new PostgresCases(connection);
    this.routes = new PostgresRoutes(connection);
    this.lanes = new PostgresLanes(connection);
    this.leases = new PostgresLeases(connection);
    this.instances = new PostgresInstances(connection);
    this.actions = new PostgresActions(connection);
    this.status = new PostgresStatus(connection);
    this.retention = new PostgresRetention(connection);
  }

  /**
   * @throws {@link SchemaMismatchError} the schema is newer than this package, or was made for another number of lanes
   * @throws {@link DatabaseUnavailableError}
   */
  async migrate({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await migrate(this.#connection, signal);
  }

  async verify(): Promise<void> {
    await verify(this.#connection, this.#name);
  }

  async adopt(): Promise<Adoption> {
    return adopt(this.#connection, this.#name);
  }

  async changeLanes(): Promise<LaneChange> {
    return changeLanes(this.#connection);
  }
}
