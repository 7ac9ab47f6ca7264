import type { CaseStore } from './case/case-store.js';
import type { ArrivalStore } from './inbox/arrival-store.js';
import type { InboxStore } from './inbox/inbox-store.js';
import type { Adoption } from './outbox/adoption.js';
import type { DeliveryStatus } from './outbox/delivery-status.js';
import type { Instances } from './outbox/instances.js';
import type { SharedLimits } from './limit/shared-limits.js';
import type { LaneActions } from './outbox/lane-action.js';
import type { LaneChange } from './outbox/lane-change.js';
import type { LaneLeases } from './outbox/lane-lease.js';
import type { LaneStore } from './outbox/lane-store.js';
import type { OutboxIdentity } from './outbox/outbox-identity.js';
import type { Retention } from './outbox/retention.js';
import type { RouteStore } from './outbox/route-store.js';
import type { ProcessStore } from './process/process-store.js';
import type { ProjectionStore } from './projection/projection-store.js';
import type { SubscriptionStore } from './subscription/subscription-store.js';
import type { CommitStores } from './unit-of-work/commit-stores.js';

/** What a dispatcher needs of a database. */
export interface DispatchStores {
  readonly routes: RouteStore;
  readonly lanes: LaneStore;
  readonly leases: LaneLeases;
  readonly instances: Instances;
  readonly actions: LaneActions;
  readonly status: DeliveryStatus;
  readonly retention: Retention;
  readonly identity: OutboxIdentity;
}

/** The one thing that is swapped: all ports that a database adapter implements, under one name. */
export interface Database<Tx = unknown> extends CommitStores<Tx>, DispatchStores {
  readonly inbox: InboxStore<Tx>;
  readonly arrivals: ArrivalStore<Tx>;
  readonly limits: SharedLimits;
  readonly subscriptions: SubscriptionStore<Tx>;
  readonly projections: ProjectionStore<Tx>;
  readonly processes: ProcessStore<Tx>;
  readonly cases: CaseStore<Tx>;

  /** Creates or upgrades Waybill's own tables or collections. Idempotent, safe from several processes at once. */
  migrate(options?: { readonly signal?: AbortSignal }): Promise<void>;

  /**
   * Checks what every guarantee rests on: reachable, migrated, laid out for these options, and able to keep order.
   *
   * @throws {@link SchemaMismatchError}, {@link DatabaseReplacedError}, {@link DatabaseUnavailableError}
   */
  verify(): Promise<void>;

  /**
   * The way on for a database that was restored or cloned, once it is decided that this is the outbox from now on. Stop what uses the original
   * first: nothing here can tell whether it still runs.
   *
   * Every lane goes on from where this copy knows it to be; what it does not know to be delivered is delivered, in order. Stopped lanes and
   * streams stay stopped. Leases end. The outbox gets a new id, under which witnesses begin anew, and the name that the options give.
   * What was committed or delivered after the copy was taken, it cannot know.
   *
   * @throws {@link SchemaMismatchError}, {@link DatabaseUnavailableError}; nothing was changed, or it is safe to repeat
   */
  adopt(): Promise<Adoption>;

  /**
   * Changes the number of lanes to the one in the options, with every message in its new lane: nothing is lost, delivered twice or out of order.
   * Stop every dispatcher first. Safe to repeat after a failure.
   *
   * @throws {@link LanesInUseError} a dispatcher is alive, or a lane stands at a failure; nothing was changed
   */
  changeLanes(): Promise<LaneChange>;
}
