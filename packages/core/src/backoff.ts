/** How often something is tried, and how long it waits in between. */
export interface RetryOptions {
  /** Tries of one message that may fail by its own fault before `onFailure` decides. Default 10. An outage of the sink uses none up. */
  readonly attempts?: number;
  /** First wait, in milliseconds. Default 200. */
  readonly firstMs?: number;
  /** Longest wait, in milliseconds. Default 30,000. */
  readonly maxMs?: number;
}

/**
 * Exponential backoff with equal jitter: half of the wait is fixed, half is random, so that lanes do not come back as one.
 *
 * Written here because libraries draw their jitter from `Math.random`, and a simulation must be able to replay it.
 *
 * @param failures - failures in a row, 1 for the first
 */
export function backoffMs(failures: number, { firstMs = 200, maxMs = 30_000 }: RetryOptions, random: () => number): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return full / 2 + (full / 2) * random();
}
