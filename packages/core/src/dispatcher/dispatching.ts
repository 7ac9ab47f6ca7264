import { defer, ignoreElements, merge } from 'rxjs';
import type { Observable } from 'rxjs';
import type { Catalogue } from '../message/catalogue.js';
import type { CompleteOptions } from './dispatcher-options.js';
import type { DispatcherEvent } from './dispatcher-events.js';
import { wakeHints } from './hints.js';
import { OneAtATime } from './failure/one-at-a-time.js';
import { removals } from './removals.js';
import { routeLanes } from './lane/route-lanes.js';
import { routeReports } from './route-reports.js';
import type { Rates } from './rates.js';
import type { Route } from './route.js';
import { SinkHealth } from './failure/sink-health.js';

export interface DispatchingOptions {
  readonly options: CompleteOptions<string>;
  readonly routes: readonly Route[];
  readonly catalogue: Catalogue;
  readonly rates: Rates;
  readonly stopping: AbortSignal;
  /** Cuts batches short when a stop takes too long. */
  readonly cut: AbortSignal;
  readonly onTrouble: (doing: string, error: unknown) => void;
}

/**
 * All that a running dispatcher does: every lane of every route, removals and reports.
 *
 * Emits what happened. Never errors. Completes when `stopping` aborts and the batches in flight are settled.
 */
export function dispatching({
  options,
  routes,
  catalogue,
  rates,
  stopping,
  cut,
  onTrouble,
}: DispatchingOptions): Observable<DispatcherEvent> {
  return defer(() => {
    const { database, instance, leaseMs, heartbeatMs, pollMs, clock, random, logger, reached } = options;
    const { keepMessagesMs, keepHistoryMs, keepClaimsMs, removeEveryMs, reportEveryMs } = options;
    const hints = wakeHints(database.wakeUps, { clock, pollMs, stopping, onTrouble });
    // Two runs of one name are two instances: each has its own share of lanes.
    const instanceId = `${instance}~${Math.floor(random() * 2 ** 48).toString(36)}`;
    const suspects = new OneAtATime();
    const lanes = routes.map((route) => {
      const health = new SinkHealth(clock, random, route.retry);
      const times = { leaseMs, heartbeatMs, pollMs };
      const shared = {
        stores: database,
        wakeUps: database.wakeUps,
        catalogue,
        clock,
        random,
        logger,
        reached,
        cut,
        hints,
        stopping,
        keepsHistory: keepHistoryMs > 0,
        suspects,
      };
      return routeLanes({ ...shared, ...times, owner: instance, instanceId, route, health });
    });
    const removing = removals({
      retention: database.retention,
      keepMessagesMs,
      keepHistoryMs,
      keepClaimsMs,
      everyMs: removeEveryMs,
      clock,
      random,
      stopping,
    });
    const names = routes.map(({ name }) => name);
    const reports = routeReports({ routes: names, status: database.status, rates, everyMs: reportEveryMs, clock, stopping });
    return merge(...lanes, removing, reports, hints.pipe(ignoreElements()));
  });
}
