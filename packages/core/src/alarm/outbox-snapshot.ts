import { systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import type { StoredRoute } from '../outbox/route-store.js';
import type { StoppedState } from '../outbox/stopped-stream.js';
import { backlogOf, lookAtOutbox } from './outbox-look.js';
import type { OutboxLook, WatchedStores } from './outbox-look.js';

/** How things stand, as one object of plain JSON: for a dashboard, a health check, or a log. */
export interface OutboxSnapshot {
  /** ISO 8601. */
  readonly at: string;
  /** By name, retired ones too. */
  readonly routes: readonly RouteSnapshot[];
}

export interface RouteSnapshot extends Partial<RouteRates> {
  readonly name: string;
  readonly order: 'stream' | 'global';
  readonly retired: boolean;
  readonly lanes: number;
  /** Lanes that some dispatcher holds. */
  readonly held: number;
  readonly running: number;
  readonly waiting: number;
  readonly halted: number;
  /** Committed messages that the route selects and has not passed. Exact, unless `capped`: then it is at least so many. */
  readonly pending: number;
  readonly capped: boolean;
  /** When the oldest of them was committed, ISO 8601; absent when there is none. */
  readonly oldestAt?: string;
  readonly oldestAgeMs?: number;
  /** `total` is exact; the states are those of the thousand streams of all routes that are stopped the longest. */
  readonly stoppedStreams: Readonly<Record<StoppedState | 'total', number>>;
  /** Names of the dispatchers that are alive and run it. */
  readonly liveInstances: readonly string[];
}

/** What only a running dispatcher knows, of its own part of the route. */
export interface RouteRates {
  readonly deliveredPerSecond: number;
  readonly failedPerSecond: number;
}

/**
 * Looks at every route, in any process. It counts each lane's pending messages, up to 10,001: ask every few seconds, not in a loop.
 *
 * @param rates - by route, where a dispatcher runs here
 * @throws what the database throws
 */
export async function outboxSnapshot(
  database: WatchedStores,
  { clock = systemClock, rates }: { readonly clock?: Clock; readonly rates?: ReadonlyMap<string, RouteRates> } = {},
): Promise<OutboxSnapshot> {
  const look = await lookAtOutbox(database, clock);
  return { at: look.at.toISOString(), routes: look.routes.map((route) => ({ ...snapshotOf(route, look), ...rates?.get(route.name) })) };
}

function snapshotOf({ name, order, retiredAt }: StoredRoute, { at, lanes: everyLane, live, stopped }: OutboxLook): RouteSnapshot {
  const lanes = everyLane.filter(({ route }) => route === name);
  const { pending, capped, oldestAt } = backlogOf(lanes);
  const inState = (state: string): number => lanes.filter((lane) => lane.state === state).length;
  const stoppedIn = (state: StoppedState): number => stopped.filter((entry) => entry.route === name && entry.state === state).length;
  return {
    name,
    order,
    retired: retiredAt !== undefined,
    lanes: lanes.length,
    held: lanes.filter(({ owner }) => owner !== undefined).length,
    running: inState('running'),
    waiting: inState('waiting'),
    halted: inState('halted'),
    pending,
    capped,
    // The two clocks may differ: a message is never younger than nothing.
    ...(oldestAt && { oldestAt: oldestAt.toISOString(), oldestAgeMs: Math.max(0, at.getTime() - oldestAt.getTime()) }),
    stoppedStreams: {
      total: lanes.reduce((sum, lane) => sum + lane.stopped, 0),
      waiting: stoppedIn('waiting'),
      halted: stoppedIn('halted'),
      parked: stoppedIn('parked'),
      redriving: stoppedIn('redriving'),
    },
    liveInstances: live.filter(({ route }) => route === name).map((instance) => instance.name),
  };
}
