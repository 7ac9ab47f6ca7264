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
    limit.throwIfUp();
    if (this.tryAcquire()) return;
    const isMine = await new Promise<boolean>((resolve) => {
      const take = (): void => resolve(true);
      this.#line.add(take);
      limit.whenUp(() => this.#line.delete(take) && resolve(false));
    });
    // Its turn and the end of its time may have come in the same moment.
    if (isMine && limit.isUp) this.release();
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
