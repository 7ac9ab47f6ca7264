import { concat, concatMap, defer, EMPTY, exhaustMap, filter, from, map, merge, of, repeat, take, takeUntil, takeWhile, tap } from 'rxjs';
import type { Observable } from 'rxjs';
import type { WakeHint } from '../../outbox/wake-ups.js';
import type { DispatcherEvent } from '../dispatcher-events.js';
import { LaneSteps } from './lane-steps.js';
import type { LaneOptions } from './lane-options.js';
import type { Step } from './lane-steps.js';
import { aborted, pause } from '../signals.js';

export interface LaneWakes {
  /** Reasons to look: commits, polls, and operators' orders. */
  readonly hints: Observable<WakeHint>;
  /** Emits when the dispatcher stops: the lane finishes the batch in flight and completes. */
  readonly stopping: Observable<void>;
}

/**
 * One ordered path from the outbox to a sink.
 *
 * Emits what happened. Delivers nothing behind a message that was not accepted. Never errors: failures become events and waits.
 * Completes when the dispatcher stops, after the batch in flight is settled, or when the lease is lost.
 */
export function lane(options: LaneOptions, { hints, stopping }: LaneWakes): Observable<DispatcherEvent> {
  return defer(() => {
    const { hold, clock, route, health } = options;
    const steps = new LaneSteps(options);
    let dirty = false; // set by every wake-up, also mid-drain: a message that arrives then must not wait for the next poll
    let attend = true; // an operator may have ordered something before this process came
    let stopped = false;

    const everyLane = route.order === 'global'; // its one lane reads the rows of all
    const mine = hints.pipe(
      filter(({ kind, lanes }) => kind === 'action' || everyLane || lanes.length === 0 || lanes.includes(hold.lease.lane)),
    );
    const orders = mine.pipe(filter(({ kind }) => kind === 'action'));

    const step = async (): Promise<Step> => {
      const attending = attend;
      dirty = false;
      attend = false;
      return steps.step(attending);
    };
    let next: Step['next'] = 'more';
    const until = (ms: number, early: Observable<unknown>): Observable<unknown> =>
      merge(pause(clock, ms), early, aborted(hold.signal)).pipe(take(1), takeUntil(stopping));
    const whenToGoOn = (): Observable<unknown> => {
      if (stopped || next === 'over') return EMPTY;
      if (next === 'more' || attend) return of(true);
      if ('waitMs' in next) return until(next.waitMs, merge(orders, health.changed));
      if (dirty) return of(true);
      return next.wakeMs === undefined ? EMPTY : until(next.wakeMs, mine);
    };
    const drain = defer(step).pipe(
      tap((done) => (next = done.next)),
      concatMap(({ events }) => from(events)), // in order: nothing is told, or delivered, side by side within a lane
      repeat({ delay: whenToGoOn }),
    );

    const running = merge(of(undefined), mine.pipe(map(({ kind }) => kind)), aborted(hold.signal)).pipe(
      takeUntil(stopping.pipe(tap(() => (stopped = true)))),
      tap((kind) => {
        dirty = true;
        attend ||= kind === 'action';
      }),
      exhaustMap(() => drain),
      takeWhile(({ name }) => name !== 'lease-lost', true),
    );
    return concat(running, defer(() => steps.finish()).pipe(concatMap((events) => from(events))));
  });
}
