import { systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import type { DispatchStores } from '../database.js';
import { InvalidOptionsError, ParkedError, WaitTimeoutError } from '../errors.js';
import { selects } from '../outbox/selects.js';
import type { MessagePlace, MessageProgress } from '../outbox/delivery-status.js';
import type { Route } from './route.js';

export interface WaitOptions {
  /** Give up after so many milliseconds. Default: wait for ever. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface WhenDeliveredOptions extends WaitOptions {
  readonly stores: Pick<DispatchStores, 'status'>;
  readonly clock?: Clock;
  /** Resolves after so many milliseconds, or as soon as it is worth looking again. */
  readonly nextLook: (ms: number) => Promise<void>;
}

const FIRST_LOOK_MS = 5;
const LONGEST_LOOK_MS = 250;

/** Looks into the store until the route is done with the messages; see `Dispatcher.delivered`. */
export async function whenDelivered(
  messages: readonly MessagePlace[],
  { name, selection }: Pick<Route, 'name' | 'selection'>,
  { stores, clock = systemClock, nextLook, timeoutMs = Infinity, signal }: WhenDeliveredOptions,
): Promise<'delivered' | 'not-selected' | 'skipped'> {
  if (Number.isNaN(timeoutMs)) throw new InvalidOptionsError('timeoutMs is not a number; leave it out to wait for ever.');
  const deadline = clock.monotonic() + timeoutMs;
  const isOfRoute = ({ stream, type, kind }: MessageProgress): boolean =>
    type === undefined || kind === undefined || selects(selection, { stream, type, kind }); // nobody knows any more of one that was removed

  for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(LONGEST_LOOK_MS, waitMs * 2)) {
    const progress = await stores.status.progress(name, messages);
    const selected = progress.filter(isOfRoute);
    const parked = selected.find(({ stopped }) => stopped === 'parked');
    if (parked) throw new ParkedError(name, parked.stream, parked.revision);
    if (progress.length === messages.length && selected.every(({ passed }) => passed)) {
      if (selected.length === 0) return 'not-selected';
      return selected.some(({ skipped }) => skipped) ? 'skipped' : 'delivered';
    }
    signal?.throwIfAborted();
    if (clock.monotonic() >= deadline) throw new WaitTimeoutError(`Delivery of ${messages.length} messages to route "${name}"`, timeoutMs);
    await nextLook(Math.min(waitMs, deadline - clock.monotonic()));
  }
}
