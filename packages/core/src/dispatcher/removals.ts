import { catchError, concatMap, defer, filter, of, repeat, takeUntil } from 'rxjs';
import type { Observable } from 'rxjs';
import type { Clock } from '../clock.js';
import type { Retention } from '../outbox/retention.js';
import type { DispatcherEvent } from './dispatcher-events.js';
import { aborted, pause } from './signals.js';

export interface RemovalsOptions {
  readonly retention: Retention;
  readonly keepMessagesMs: number;
  readonly keepHistoryMs: number;
  readonly keepClaimsMs: number;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly stopping: AbortSignal;
}

/** So few that a call is over in milliseconds. */
const CHUNK = 1_000;

/**
 * Removes what nobody needs any more, chunk by chunk, every `everyMs` (and a random part of it at first, so that instances take turns).
 *
 * Emits what was removed, and what went wrong. Never errors. Completes when the dispatcher stops, after the chunk in hand.
 */
export function removals(options: RemovalsOptions): Observable<DispatcherEvent> {
  const { retention, keepMessagesMs, keepHistoryMs, keepClaimsMs, everyMs, clock, random, stopping } = options;
  const all = async (
    remove: (chunk: { readonly olderThanMs: number; readonly most: number }) => Promise<number>,
    olderThanMs: number,
  ): Promise<number> => {
    let removed = 0;
    while (!stopping.aborted) {
      const count = await remove({ olderThanMs, most: CHUNK });
      removed += count;
      if (count < CHUNK) break;
    }
    return removed;
  };
  const round = async (): Promise<DispatcherEvent> => {
    const messages = keepMessagesMs < Infinity ? await all((chunk) => retention.removeMessages(chunk), keepMessagesMs) : 0;
    const historyLines = keepHistoryMs < Infinity ? await all((chunk) => retention.removeHistory(chunk), keepHistoryMs) : 0;
    // Whatever their age: a message that is gone proves that nobody asks for its claims.
    const mayGo = Math.min(keepMessagesMs, keepClaimsMs) < Infinity;
    const claims = mayGo ? await all((chunk) => retention.removeClaims(chunk), keepClaimsMs) : 0;
    return { name: 'removed', event: { messages, historyLines, claims } };
  };
  const rounds = defer(round).pipe(
    filter(({ event }) => 'messages' in event && event.messages + event.historyLines + event.claims > 0),
    catchError((error: unknown) =>
      of<DispatcherEvent>({ name: 'trouble', event: { route: undefined, lane: undefined, doing: 'removing old messages', error } }),
    ),
    repeat({ delay: () => pause(clock, everyMs).pipe(takeUntil(aborted(stopping))) }),
  );
  return pause(clock, everyMs * random()).pipe(
    takeUntil(aborted(stopping)),
    concatMap(() => rounds),
  );
}
