import { delay } from '../clock.js';
import type { Clock } from '../clock.js';
import { backoffMs } from '../backoff.js';
import { InvalidOptionsError } from '../errors.js';
import { isFinal, isHandlersOwn } from './handlers-own.js';

/** Tries in place, before whatever carries the messages hears of a failure. Only the handler's own failures use them up. */
export interface HandlerRetry {
  /**
   * Tries, 1 or more. Default 1: what carries the messages comes again by its own policy. In a two-step handler the call and the commit are tried
   * so often each by itself; the commit, and the compensation, 3 times by default: nothing is called again for them.
   */
  readonly attempts?: number;
  /** First wait, in milliseconds. Default 100. */
  readonly firstMs?: number;
  /** Longest wait, in milliseconds. Default 5,000. */
  readonly maxMs?: number;
}

/** `stop`: what carries the messages decides. `discard`: the message is given up for this handler, and a case is opened that says so. */
export type HandlerFailurePolicy = 'stop' | 'discard';

/** How often the commit, and the compensation, of a two-step handler is tried where it does not say. */
export const TRIES_AFTER_CALL = 3;

export interface WaitingBetween {
  readonly clock: Clock;
  /** 0 (inclusive) to 1 (exclusive), for jitter. */
  readonly random: () => number;
}

/**
 * Runs `act` until it works, or has used up its tries, or fails by something that is not the handler's own.
 *
 * @param act - gets how many tries have failed
 */
export async function triedInPlace<Result>(
  act: (failed: number) => Promise<Result>,
  { attempts = 1, ...waits }: HandlerRetry,
  { signal, ...waiting }: WaitingBetween & { readonly signal: AbortSignal },
): Promise<Result> {
  for (let failed = 0; ;) {
    try {
      return await act(failed);
    } catch (error) {
      failed++;
      if (failed >= attempts || !isHandlersOwn(error, signal) || isFinal(error)) throw error;
      await waitInPlace(failed, waits, { signal, ...waiting });
      if (signal.aborted) throw error;
    }
  }
}

/** Half of each wait is random; see {@link backoffMs}. */
export function waitInPlace(
  failed: number,
  { firstMs = 100, maxMs = 5_000 }: HandlerRetry,
  { clock, random, signal }: WaitingBetween & { readonly signal: AbortSignal },
): Promise<void> {
  return delay(clock, backoffMs(failed, { firstMs, maxMs: Math.max(firstMs, maxMs) }, random), signal);
}

/** @throws {@link InvalidOptionsError} tries or waits that cannot be */
export function checkRetry(handler: string, { attempts = 1, firstMs = 100, maxMs = Math.max(5_000, firstMs) }: HandlerRetry): void {
  if (!Number.isInteger(attempts) || attempts < 1)
    throw new InvalidOptionsError(`Handler "${handler}": retry.attempts is a count of tries, a whole number from 1; ${attempts} is none.`);
  if (!(firstMs > 0) || !(maxMs >= firstMs) || maxMs === Infinity)
    throw new InvalidOptionsError(`Handler "${handler}": retry.firstMs must be above 0, and retry.maxMs a number not below it.`);
}
