import type { TimeLimit } from '../time-limit.js';

/**
 * So many at once, first come, first served.
 *
 * Cockatiel's bulkhead hands a slot on a moment after it was given back: who asks in between gets it, and whoever was first in the queue goes to
 * its end.
 */
export class Semaphore {
  #free: number;
  readonly #line = new Set<() => void>();

  constructor(most: number) {
    this.#free = most;
  }

  tryAcquire(): boolean {
    if (this.#free === 0) return false;
    this.#free -= 1;
    return true;
  }

  /** Rejects with the reason of `limit` when that is up first. */
  async acquire(limit: TimeLimit): Promise<void> {
    if (this.tryAcquire()) return;
    const taken = new Promise<void>((resolve, reject) => {
      this.#line.add(resolve);
      limit.whenUp((error) => {
        // Who has its turn already says so after the wait.
        if (this.#line.delete(resolve)) reject(error);
      });
    });
    await taken;
    // It may have come up in the same moment.
    if (limit.isUp) this.release();
    limit.throwIfUp();
  }

  readonly release = (): void => {
    const [next] = this.#line;
    if (next === undefined) this.#free += 1;
    else {
      this.#line.delete(next);
      next();
    }
  };
}
