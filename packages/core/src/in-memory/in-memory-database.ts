import { systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import { InMemoryIdempotency, InMemoryInbox, InMemorySnapshots } from './in-memory-keyed-stores.js';
import { InMemoryLanes, InMemoryLeases } from './in-memory-lanes.js';
import { InMemoryActions, InMemoryRoutes, InMemoryStatus } from './in-memory-operations.js';
import { InMemoryOutbox } from './in-memory-outbox.js';
import { InMemoryState } from './in-memory-state.js';
import { InMemoryTransactions } from './in-memory-transactions.js';
import type { InMemoryTx } from './in-memory-transactions.js';
import { InMemoryWakeUps } from './in-memory-wake-ups.js';

export interface InMemoryOptions {
  /** Default 16. */
  readonly lanes?: number;
  /** The "database's clock". */
  readonly clock?: Clock;
}

/** Every port in memory, for tests: real transactions, order and leases, gone with the process. Passes the same contract kits as the databases. */
export class InMemoryDatabase implements Database<InMemoryTx> {
  readonly transactions = new InMemoryTransactions();
  readonly outbox: InMemoryOutbox;
  readonly snapshots: InMemorySnapshots;
  readonly idempotency: InMemoryIdempotency;
  readonly wakeUps: InMemoryWakeUps;
  readonly inbox: InMemoryInbox;
  readonly routes: InMemoryRoutes;
  readonly lanes: InMemoryLanes;
  readonly leases: InMemoryLeases;
  readonly actions: InMemoryActions;
  readonly status: InMemoryStatus;

  constructor({ lanes = 16, clock = systemClock }: InMemoryOptions = {}) {
    const state = new InMemoryState(lanes, clock);
    this.outbox = new InMemoryOutbox(state, this.transactions);
    this.snapshots = new InMemorySnapshots(state);
    this.idempotency = new InMemoryIdempotency(state, this.transactions);
    this.wakeUps = new InMemoryWakeUps(state);
    this.inbox = new InMemoryInbox(state, this.transactions);
    this.routes = new InMemoryRoutes(state);
    this.lanes = new InMemoryLanes(state);
    this.leases = new InMemoryLeases(state);
    this.actions = new InMemoryActions(state);
    this.status = new InMemoryStatus(state);
  }

  migrate(): Promise<void> {
    return Promise.resolve();
  }

  verify(): Promise<void> {
    return Promise.resolve();
  }
}
