import { systemClock, delay } from '../clock.js';
import type { Clock } from '../clock.js';
import { InvalidOptionsError, SubscriptionStoppedError, WaitTimeoutError } from '../errors.js';
import type { MessagePlace } from '../outbox/delivery-status.js';
import type { SubscriptionStore } from './subscription-store.js';

export interface WhenPassedOptions {
  /** A function is asked at each look: which one it is may change meanwhile. */
  readonly subscription: string | (() => Promise<string>);
  readonly subscriptions: Pick<SubscriptionStore<never>, 'passed' | 'find'>;
  readonly clock?: Clock | undefined;
  /** Give up after so many milliseconds. Default: wait for ever. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const FIRST_LOOK_MS = 5;
const LONGEST_LOOK_MS = 250;

/**
 * Resolves when the subscription has committed the effects of these messages, or of later ones of their streams. The caller leaves out those
 * that the subscription does not select: they would be waited for in vain.
 *
 * @throws {@link SubscriptionStoppedError} it stands at a message that failed, and has not passed all of these
 * @throws {@link WaitTimeoutError} after `timeoutMs`
 */
export async function whenPassed(
  messages: readonly MessagePlace[],
  { subscription: named, subscriptions, clock = systemClock, timeoutMs = Infinity, signal }: WhenPassedOptions,
): Promise<void> {
  if (typeof timeoutMs !== 'number' || Number.isNaN(timeoutMs))
    throw new InvalidOptionsError('timeoutMs is not a number; leave it out to wait for ever.');
  if (messages.length === 0) return;
  const deadline = clock.monotonic() + timeoutMs;
  const wanted = new Map<string, bigint>();
  for (const { stream, revision } of messages) if (revision >= (wanted.get(stream) ?? 0n)) wanted.set(stream, revision);
  const streams = [...wanted.keys()];

  for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(LONGEST_LOOK_MS, waitMs * 2)) {
    signal?.throwIfAborted();
    const subscription = typeof named === 'string' ? named : await named();
    // Looked at before what is passed: whoever is stopped now has passed all that it will.
    const { state, failure } = (await subscriptions.find(subscription)) ?? {};
    const passed = new Map((await subscriptions.passed(subscription, streams)).map(({ stream, revision }) => [stream, revision]));
    if ([...wanted].every(([stream, revision]) => (passed.get(stream) ?? -1n) >= revision)) return;
    if (state === 'stopped') throw new SubscriptionStoppedError(subscription, failure?.error ?? 'nobody knows why');
    if (clock.monotonic() >= deadline)
      throw new WaitTimeoutError(`Handling of ${messages.length} messages by "${subscription}"`, timeoutMs);
    await delay(clock, Math.min(waitMs, deadline - clock.monotonic()), signal);
  }
}
