import type { TokenBucket } from 'limiter';
import { fullBucket } from './places/token-bucket.js';
import type { RateLimit } from './policy-options.js';

export interface AdmissionOptions {
  /** Most at work at once; false: no limit. */
  readonly concurrency: number | false;
  /** Default none. */
  readonly rate?: RateLimit | undefined;
}

export type Entry =
  | { readonly admitted: true; /** Ends the stay. Called once. */ readonly leave: () => void }
  /** `retryAfterMs`: when it is worth another try. */
  | { readonly admitted: false; readonly by: 'concurrency' | 'rate'; readonly retryAfterMs: number };

// Nobody knows when one of those at work is done.
const LOOK_AGAIN_MS = 1_000;

/** The door of a server, for one process: as many as it can serve are let in, and the others are told when to come back. Nobody waits. */
export class Admission {
  readonly #most: number;
  readonly #bucket: TokenBucket | undefined;
  #atWork = 0;

  constructor({ concurrency, rate }: AdmissionOptions) {
    this.#most = concurrency === false ? Infinity : concurrency;
    this.#bucket = rate && fullBucket(rate);
  }

  enter(): Entry {
    if (this.#atWork >= this.#most) return { admitted: false, by: 'concurrency', retryAfterMs: LOOK_AGAIN_MS };
    if (this.#bucket?.tryRemoveTokens(1) === false) return { admitted: false, by: 'rate', retryAfterMs: this.#bucket.getWaitTime(1) };
    this.#atWork += 1;
    return { admitted: true, leave: () => void (this.#atWork -= 1) };
  }
}
