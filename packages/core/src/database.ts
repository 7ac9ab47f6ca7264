import type { InboxStore } from './inbox/inbox-store.js';
import type { DeliveryStatus } from './outbox/delivery-status.js';
import type { Instances } from './outbox/instances.js';
import type { LaneActions } from './outbox/lane-action.js';
import type { LaneLeases } from './outbox/lane-lease.js';
import type { LaneStore } from './outbox/lane-store.js';
import type { Retention } from './outbox/retention.js';
import type { RouteStore } from './outbox/route-store.js';
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
}

/** The one thing that is swapped: all ports that a database adapter implements, under one name. */
export interface Database<Tx = unknown> extends CommitStores<Tx>, DispatchStores {
  readonly inbox: InboxStore<Tx>;

  /** Creates or upgrades Waybill's own tables or collections. Idempotent, safe from several processes at once. */
  migrate(options?: { readonly signal?: AbortSignal }): Promise<void>;

  /**
   * Checks what every guarantee rests on: reachable, migrated, laid out for these options, and able to keep order.
   *
   * @throws {@link SchemaMismatchError}, {@link DatabaseReplacedError}, {@link DatabaseUnavailableError}
   */
  verify(): Promise<void>;
}
