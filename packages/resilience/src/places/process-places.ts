import type { TokenBucket } from 'limiter';
import { type Clock, delay } from '@waybill/core';
import type { RateLimit } from '../policy-options.js';
import type { TimeLimit } from '../time-limit.js';
import type { Places } from './places.js';
import { Semaphore } from './semaphore.js';
import { fullBucket } from './token-bucket.js';

export interface ProcessPlacesOptions {
  readonly concurrency: number | false;
  readonly rate: RateLimit | undefined;
  readonly clock: Clock;
}

/** The limits of one process, first come, first served. */
export class ProcessPlaces implements Places {
  readonly #permits: Semaphore;
  readonly #bucket: TokenBucket | undefined;
  /** Who waits for a token: without a line, the one who comes at the right moment would take it. */
  readonly #line = new Semaphore(1);
  readonly #clock: Clock;

  constructor({ concurrency, rate, clock }: ProcessPlacesOptions) {
    this.#clock = clock;
    this.#permits = new Semaphore(concurrency === false ? Number.POSITIVE_INFINITY : concurrency);
    this.#bucket = rate && fullBucket(rate);
  }

  tryAcquire(): (() => void) | undefined {
    if (!this.#permits.tryAcquire()) return undefined;
    if (this.#bucket === undefined || this.tryTakeToken(this.#bucket)) return this.#permits.release;
    this.#permits.release();
    return undefined;
  }

  async acquire(limit: TimeLimit): Promise<() => void> {
    await this.#permits.acquire(limit);
    try {
      if (this.#bucket !== undefined) await this.takeToken(this.#bucket, limit);
      return this.#permits.release;
    } catch (error) {
      this.#permits.release();
      throw error;
    }
  }

  private tryTakeToken(bucket: TokenBucket): boolean {
    if (!this.#line.tryAcquire()) return false;
    const taken = bucket.tryRemoveTokens(1);
    this.#line.release();
    return taken;
  }

  private async takeToken(bucket: TokenBucket, limit: TimeLimit): Promise<void> {
    await this.#line.acquire(limit);
    try {
      while (!bucket.tryRemoveTokens(1)) {
        await delay(this.#clock, bucket.getWaitTime(1), limit.signal);
        limit.throwIfUp();
      }
    } finally {
      this.#line.release();
    }
  }
}
