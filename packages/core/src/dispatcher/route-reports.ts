import { catchError, concatMap, defer, from, of, repeat, takeUntil } from 'rxjs';
import type { Observable } from 'rxjs';
import type { Clock } from '../clock.js';
import type { DeliveryStatus } from '../outbox/delivery-status.js';
import type { DispatcherEvent } from './dispatcher-events.js';
import type { Rates } from './rates.js';
import { aborted, pause } from './signals.js';

export interface RouteReportsOptions {
  readonly routes: readonly string[];
  readonly status: DeliveryStatus;
  readonly rates: Rates;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly stopping: AbortSignal;
}

/** Tells how each route stands, every `everyMs`. Never errors. Completes when the dispatcher stops. */
export function routeReports({ routes, status, rates, everyMs, clock, stopping }: RouteReportsOptions): Observable<DispatcherEvent> {
  const report = async (): Promise<readonly DispatcherEvent[]> => {
    const lanes = await status.lanes();
    return routes.map((route) => {
      const mine = lanes.filter((lane) => lane.route === route);
      const oldest = Math.min(...mine.map(({ oldestAt }) => oldestAt?.getTime() ?? Infinity));
      const oldestAgeMs = oldest === Infinity ? 0 : Math.max(0, clock.now().getTime() - oldest);
      const [pending, stoppedStreams] = [sum(mine.map((lane) => lane.pending)), sum(mine.map(({ stopped }) => stopped))];
      return { name: 'route-status', event: { route, pending, oldestAgeMs, stoppedStreams, ...rates.of(route) } };
    });
  };
  const wait = (): Observable<void> => pause(clock, everyMs).pipe(takeUntil(aborted(stopping)));
  const reports = defer(report).pipe(
    concatMap((events) => from(events)),
    catchError((error: unknown) =>
      of<DispatcherEvent>({ name: 'trouble', event: { route: undefined, lane: undefined, doing: 'looking how routes stand', error } }),
    ),
    repeat({ delay: wait }),
  );
  return wait().pipe(concatMap(() => reports));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
