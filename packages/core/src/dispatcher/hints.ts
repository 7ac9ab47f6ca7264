import { catchError, defer, distinctUntilChanged, EMPTY, map, merge, Observable, repeat, share, takeUntil, tap } from 'rxjs';
import type { Clock } from '../clock.js';
import type { WakeHint, WakeUps } from '../outbox/wake-ups.js';
import { aborted, pause } from './signals.js';

const SHORTEST_POLL_MS = 25;
const SHORTEST_POLL_WHILE_TOLD_MS = 100;

/**
 * All reasons to look into the outbox: what the adapter tells, and polls that find whatever was missed.
 *
 * Shared by all lanes. Polls follow each other quickly while something happens, less so while the adapter tells of it anyway, and slow
 * down to `pollMs` while nothing does: each poll that finds something new makes every lane read.
 * Never errors. Completes when `stopping` aborts, after the adapter has closed what it opened.
 */
export function wakeHints(wakeUps: WakeUps, { clock, pollMs, stopping, onTrouble }: WakeHintsOptions): Observable<WakeHint> {
  let heard = false; // since the last poll that found something new
  const told = new Observable<WakeHint>((subscriber) => {
    wakeUps
      .listen((hint) => subscriber.next(hint), stopping)
      .then(
        () => subscriber.complete(),
        (error: unknown) => subscriber.error(error),
      );
  }).pipe(
    tap(() => (heard = true)),
    catchError((error: unknown) => {
      onTrouble('listening for wake-ups', error);
      return EMPTY; // polling goes on
    }),
  );

  let waitMs = SHORTEST_POLL_MS;
  const polled = defer(() => wakeUps.pulse()).pipe(
    catchError((error: unknown) => {
      onTrouble('polling', error);
      return EMPTY;
    }),
    tap(() => (waitMs = Math.min(pollMs, waitMs * 2))),
    repeat({ delay: () => pause(clock, waitMs) }),
    distinctUntilChanged(),
    tap(() => {
      waitMs = Math.min(pollMs, heard ? SHORTEST_POLL_WHILE_TOLD_MS : SHORTEST_POLL_MS);
      heard = false;
    }),
    map((): WakeHint => ({ kind: 'committed', lanes: [] })),
    takeUntil(aborted(stopping)),
  );
  return merge(told, polled).pipe(share());
}

export interface WakeHintsOptions {
  readonly clock: Clock;
  /** Longest pause between two polls. */
  readonly pollMs: number;
  readonly stopping: AbortSignal;
  readonly onTrouble: (doing: string, error: unknown) => void;
}
