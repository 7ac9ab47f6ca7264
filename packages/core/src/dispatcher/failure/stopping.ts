import type { DeliveryAttempt } from '../../outbox/delivery-attempt.js';
import type { Settlement } from '../../outbox/lane-store.js';
import type { OutboxRow } from '../../outbox/outbox-row.js';
import type { StoppedState } from '../../outbox/stopped-stream.js';
import type { DeliveryFailure } from '../../errors.js';
import type { Clock } from '../../clock.js';
import { backoffMs } from '../../backoff.js';
import { failureOf } from './doubt.js';
import { named } from '../dispatcher-events.js';
import type { DispatcherEvent } from '../dispatcher-events.js';
import type { Verdict } from './failure-judge.js';
import { retryAfterMsOf } from './retry-after.js';
import { storedText } from '../../plain-text.js';
import type { Route } from '../route.js';

/** What to store of a failure that stops a stream, and what to tell then. */
export interface Stopping {
  readonly change: Pick<Settlement, 'stopped' | 'discarded' | 'attempts'>;
  readonly event: DispatcherEvent;
}

export interface StoppingOptions {
  readonly route: Route;
  readonly lane: number;
  readonly row: OutboxRow;
  readonly error: DeliveryFailure;
  readonly verdict: Verdict;
  /** An earlier try may have reached the target. */
  readonly isInDoubt?: boolean;
  readonly stoppedAt: Date;
  /** The lane has passed, or is about to pass, more of the stream than the message. */
  readonly hasTail: boolean;
  /** For the history. */
  readonly attempts: readonly DeliveryAttempt[];
  readonly clock: Clock;
  readonly random: () => number;
}

/** The failure of one message, as a policy that stops its stream alone takes it. */
export function stopStream(options: StoppingOptions): Stopping {
  const { route, lane, row, error, verdict, isInDoubt = false, stoppedAt, hasTail, clock, random } = options;
  const { id, stream, revision } = row;
  const { attempts } = verdict;
  const failed = { route: route.name, lane, message: named(row), error, attempts };
  const isUsedUp = verdict.kind === 'used-up';
  const failure = failureOf({ row, error, verdict, nextTryAt: undefined, isInDoubt });
  const stopped = (state: StoppedState, nextTryAt?: Date): Stopping['change'] => ({
    stopped: [{ stream, fromRevision: revision, state, failure: { ...failure, nextTryAt }, stoppedAt }],
    attempts: options.attempts,
  });

  if (!isUsedUp) {
    const waitMs = Math.max(backoffMs(attempts, route.retry, random), retryAfterMsOf(error));
    const nextTryAt = new Date(clock.now().getTime() + waitMs);
    return { change: stopped('waiting', nextTryAt), event: { name: 'waiting', event: { ...failed, waitMs, stops: 'stream' } } };
  }
  if (route.onFailure === 'discard') {
    const goOn = { stream, fromRevision: revision + 1n, state: 'redriving', failure: { ...failure, attempts: 0 }, stoppedAt } as const;
    const discarded = [{ messageId: id, stream, reason: storedText(error.message) }];
    const line = { messageIds: [id], outcome: 'discarded', startedAt: clock.now(), durationMs: 0, detail: error.message } as const;
    const history = [...options.attempts, line];
    return { change: { ...(hasTail && { stopped: [goOn] }), discarded, attempts: history }, event: { name: 'discarded', event: failed } };
  }
  const parks = route.onFailure === 'park-stream';
  return { change: stopped(parks ? 'parked' : 'halted'), event: { name: parks ? 'parked' : 'stream-halted', event: failed } };
}
