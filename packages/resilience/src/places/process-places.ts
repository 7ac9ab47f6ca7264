import { bulkhead, type BulkheadPolicy } from 'cockatiel';
import type { TokenBucket } from 'limiter';
import { type Clock, delay } from '@waybill/core';
import type { RateLimit } from '../policy-options.js';
import type { Places } from './places.js';
import { fullBucket } from './token-bucket.js';

export interface ProcessPlacesOptions {
  readonly concurrency: number | false;
  readonly rate: RateLimit | undefined;
  readonly clock: Clock;
}

/** The limits of one process, first come, first served. */
export class ProcessPlaces implements Places {
  readonly #permits: BulkheadPolicy | undefined;
  readonly #bucket: TokenBucket | undefined;
  /** Who waits for a token: without a line, the one who comes at the right moment would take it. */
  readonly #line = bulkhead(1, Number.POSITIVE_INFINITY);
  readonly #clock: Clock;

  constructor({ concurrency, rate, clock }: ProcessPlacesOptions) {
    this.#clock = clock;
    this.#permits = concurrency === false ? undefined : bulkhead(concurrency, Number.POSITIVE_INFINITY);
    this.#bucket = rate && fullBucket(rate);
  }

  tryAcquire(): (() => void) | undefined {
    const permits = this.#permits;
    if (permits?.executionSlots === 0 || this.#line.executionSlots === 0) return undefined;
    if (this.#bucket?.tryRemoveTokens(1) === false) return undefined;
    let release = (): void => {};
    // Where there is a slot, what runs in it is called at once.
    void permits?.execute(() => new Promise<void>((resolve) => (release = resolve)));
    return release;
  }

  async acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const release = this.#permits === undefined ? (): void => {} : await slotOf(this.#permits, signal);
    try {
      if (this.#bucket !== undefined) await this.takeToken(this.#bucket, signal);
      return release;
    } catch (error) {
      release();
      throw error;
    }
  }

  private async takeToken(bucket: TokenBucket, signal: AbortSignal): Promise<void> {
    const next = await slotOf(this.#line, signal);
    try {
      while (!bucket.tryRemoveTokens(1)) {
        await delay(this.#clock, bucket.getWaitTime(1), signal);
        signal.throwIfAborted();
      }
    } finally {
      next();
    }
  }
}

/** Cockatiel runs work in a slot and does not wake who waits for one; this hands the slot out, and wakes. */
function slotOf(slots: BulkheadPolicy, signal: AbortSignal): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', giveUp, { once: true });
    const hold = (): Promise<void> =>
      new Promise((release) => {
        signal.removeEventListener('abort', giveUp);
        // Who gave up while waiting does not take the slot from the next.
        if (signal.aborted) release();
        else resolve(release);
      });
    slots.execute(hold).catch(reject);
  });
}
