import type { Clock } from '../clock.js';
import type { DeliveryStatus, RouteStoppedStream, StoredLane } from '../outbox/delivery-status.js';
import type { Instances, LiveInstance } from '../outbox/instances.js';
import type { RouteStore, StoredRoute } from '../outbox/route-store.js';

/** What is asked: nothing of it needs a lease, and all of it works in a process that only writes. */
export interface WatchedStores {
  readonly routes: Pick<RouteStore, 'all'>;
  readonly status: Pick<DeliveryStatus, 'lanes' | 'stopped'>;
  readonly instances: Pick<Instances, 'live'>;
}

/** One look at everything that stands still or moves. Its parts were read one after the other. */
export interface OutboxLook {
  readonly at: Date;
  readonly routes: readonly StoredRoute[];
  readonly lanes: readonly StoredLane[];
  readonly live: readonly LiveInstance[];
  /** The longest stopped, up to a thousand. */
  readonly stopped: readonly RouteStoppedStream[];
}

const MOST_STOPPED = 1_000;

/** A lane's pending rows are counted so far, and no further. */
export const MOST_COUNTED = 10_001;

export async function lookAtOutbox({ routes, status, instances }: WatchedStores, clock: Clock): Promise<OutboxLook> {
  const at = clock.now();
  const live = await instances.live();
  const lanes = await status.lanes();
  const stopped = lanes.some((lane) => lane.stopped > 0) ? await status.stopped({ most: MOST_STOPPED }) : [];
  return { at, routes: await routes.all(), lanes, live, stopped };
}

export interface Backlog {
  readonly pending: number;
  /** At least one lane has more than were counted. */
  readonly capped: boolean;
  readonly oldestAt: Date | undefined;
}

/** Of these lanes together. */
export function backlogOf(lanes: readonly StoredLane[]): Backlog {
  const oldest = lanes.flatMap(({ oldestAt }) => (oldestAt ? [oldestAt.getTime()] : []));
  return {
    pending: lanes.reduce((sum, { pending }) => sum + pending, 0),
    capped: lanes.some(({ pending }) => pending >= MOST_COUNTED),
    oldestAt: oldest.length === 0 ? undefined : new Date(oldest.reduce((one, other) => Math.min(one, other))),
  };
}
