import { ExponentialBackoff, type IBackoff, noJitterGenerator } from 'cockatiel';
import type { InCallRetry } from './policy-options.js';

/** The waits between the tries of one call: anything from nothing to a limit that doubles, so that callers do not come back all at once. */
export class Backoff {
  #next: IBackoff<unknown>;

  constructor(
    { firstMs, maxMs }: Required<Omit<InCallRetry, 'most'>>,
    private readonly random: () => number,
  ) {
    // Its own jitter throws dice that no test can load.
    this.#next = new ExponentialBackoff({ generator: noJitterGenerator, initialDelay: firstMs, maxDelay: maxMs }).next();
  }

  nextMs(): number {
    const ms = Math.floor(this.random() * this.#next.duration);
    this.#next = this.#next.next(undefined);
    return ms;
  }
}
