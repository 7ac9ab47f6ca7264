import { Observable } from 'rxjs';
import { delay } from '../clock.js';
import type { Clock } from '../clock.js';

/** Emits once when the signal aborts (at once if it has), then completes. Never errors. */
export function aborted(signal: AbortSignal): Observable<void> {
  return new Observable((subscriber) => {
    const emit = (): void => {
      subscriber.next();
      subscriber.complete();
    };
    if (signal.aborted) return emit();
    signal.addEventListener('abort', emit, { once: true });
    return () => signal.removeEventListener('abort', emit);
  });
}

/** Emits once after `ms` milliseconds of the clock, then completes; unsubscribing cancels the timer. Never errors. */
export function pause(clock: Clock, ms: number): Observable<void> {
  return new Observable((subscriber) => {
    const cancel = new AbortController();
    void delay(clock, ms, cancel.signal).then(() => {
      subscriber.next();
      subscriber.complete();
    });
    return () => cancel.abort();
  });
}
