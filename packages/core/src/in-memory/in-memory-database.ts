import { systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import type { Adoption } from '../outbox/adoption.js';
import type { LaneChange } from '../outbox/lane-change.js';
import { InMemoryActions } from './in-memory-actions.js';
import { adoptInMemory } from './in-memory-adoption.js';
import { InMemoryArrivals } from './in-memory-arrivals.js';
import { InMemoryCases } from './in-memory-cases.js';
import { InMemoryIdentity } from './in-memory-identity.js';
import { InMemoryInstances } from './in-memory-instances.js';
import { InMemoryIdempotency, InMemoryInbox, InMemorySnapshots } from './in-memory-keyed-stores.js';
import { InMemoryLanes } from './in-memory-lanes.js';
import { InMemoryLeases } from './in-memory-leases.js';
import { InMemoryLimits } from './in-memory-limits.js';
import { InMemoryOutbox } from './in-memory-outbox.js';
import { InMemoryProjections } from './in-memory-projections.js';
import { InMemoryProcesses } from './in-memory-processes.js';
import { InMemoryRetention } from './in-memory-retention.js';
import { InMemoryRoutes } from './in-memory-routes.js';
import { InMemoryState } from './in-memory-state.js';
import { InMemoryStatus } from './in-memory-status.js';
import { InMemorySubscriptions } from './in-memory-subscriptions.js';
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
  readonly arrivals: InMemoryArrivals;
  readonly limits: InMemoryLimits;
  readonly subscriptions: InMemorySubscriptions;
  readonly projections: InMemoryProjections;
  readonly processes: InMemoryProcesses;
  readonly cases: InMemoryCases;
  readonly routes: InMemoryRoutes;
  readonly lanes: InMemoryLanes;
  readonly leases: InMemoryLeases;
  readonly instances: InMemoryInstances;
  readonly actions: InMemoryActions;
  readonly status: InMemoryStatus;
  readonly retention: InMemoryRetention;
  readonly identity = new InMemoryIdentity();
  private readonly state: InMemoryState;

  constructor({ lanes = 16, clock = systemClock }: InMemoryOptions = {}) {
    const state = new InMemoryState(lanes, clock);
    this.state = state;
    this.outbox = new InMemoryOutbox(state, this.transactions);
    this.snapshots = new InMemorySnapshots(state);
    this.idempotency = new InMemoryIdempotency(state, this.transactions);
    this.wakeUps = new InMemoryWakeUps(state);
    this.inbox = new InMemoryInbox(state, this.transactions);
    this.arrivals = new InMemoryArrivals(state, this.transactions);
    this.limits = new InMemoryLimits(clock);
    this.processes = new InMemoryProcesses(clock, this.transactions);
    this.cases = new InMemoryCases(clock, this.transactions);
    this.subscriptions = new InMemorySubscriptions(state, this.transactions);
    this.projections = new InMemoryProjections(state, this.transactions);
    this.routes = new InMemoryRoutes(state);
    this.lanes = new InMemoryLanes(state, this.outbox, this.transactions);
    this.leases = new InMemoryLeases(state);
    this.instances = new InMemoryInstances(state);
    this.actions = new InMemoryActions(state);
    this.status = new InMemoryStatus(state);
    this.retention = new InMemoryRetention(state);
  }

  migrate(): Promise<void> {
    return Promise.resolve();
  }

  verify(): Promise<void> {
    return Promise.resolve();
  }

  async adopt(): Promise<Adoption> {
    const adoption = adoptInMemory(this.state, this.identity, await this.status.lanes());
    await this.subscriptions.endLeases();
    return adoption;
  }

  /** Its lanes are its own, for as long as it lasts: there is nothing to change. */
  changeLanes(): Promise<LaneChange> {
    return Promise.resolve({ from: this.state.laneCount, to: this.state.laneCount, moved: 0 });
  }
}
