import { delay } from '../clock.js';
import type { Clock } from '../clock.js';
import type { WaitOptions } from '../dispatcher/when-delivered.js';
import { InvalidOptionsError, WaitTimeoutError } from '../errors.js';
import type { InboxStore } from '../inbox/inbox-store.js';

/** A handler and a message, as the inbox remembers the two. */
export interface WantedClaim {
  readonly handler: string;
  readonly claimId: string;
}

const FIRST_LOOK_MS = 5;
const LONGEST_LOOK_MS = 250;

/**
 * Looks into the inbox until all of these are claimed.
 *
 * @throws {@link WaitTimeoutError} after `timeoutMs`
 */
export async function whenClaimed(
  wanted: readonly WantedClaim[],
  {
    inbox,
    clock,
    timeoutMs = Infinity,
    signal,
  }: WaitOptions & { readonly inbox: Pick<InboxStore<never>, 'claimed'>; readonly clock: Clock },
): Promise<void> {
  if (typeof timeoutMs !== 'number' || Number.isNaN(timeoutMs))
    throw new InvalidOptionsError('timeoutMs is not a number; leave it out to wait for ever.');
  const deadline = clock.monotonic() + timeoutMs;
  const missing = [...wanted];
  for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(LONGEST_LOOK_MS, waitMs * 2)) {
    for (let next = missing[0]; next && (await inbox.claimed(next.handler, next.claimId)); next = missing[0]) missing.shift();
    if (missing.length === 0) return;
    signal?.throwIfAborted();
    if (clock.monotonic() >= deadline)
      throw new WaitTimeoutError(`Handling by "${missing[0]!.handler}" and ${missing.length - 1} more`, timeoutMs);
    await delay(clock, Math.min(waitMs, deadline - clock.monotonic()), signal);
  }
}
