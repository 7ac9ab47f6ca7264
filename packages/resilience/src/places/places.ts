import type { TimeLimit } from '../time-limit.js';

/** Who may call the target now: a permit of the concurrency limit, and a token of the rate limit. */
export interface Places {
  /** A place without waiting for it, where there is one; `undefined` also where only waiting can tell. */
  tryAcquire(): (() => void) | undefined;

  /**
   * Waits for a place; what it resolves with gives the place back, and is called once.
   *
   * Rejects with the limit's reason as soon as that is up, and with an error of its own where the limits themselves are away.
   */
  acquire(limit: TimeLimit): Promise<() => void>;
}
