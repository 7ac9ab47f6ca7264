import { Refusal, retryAfter } from './refusal.js';

export interface AdmissionOptions {
  readonly concurrency: number;
}

/** How many requests are at work in this process. What is beyond the limit is told to come back. */
export class Admission {
  readonly #options: AdmissionOptions;
  #atWork = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Lets one request in, or throws its refusal. The returned function ends its stay. */
  enter(): () => void {
    if (this.#atWork >= this.#options.concurrency)
      throw new Refusal(
        'too-many',
        `${this.#atWork} requests are at work here, which is the limit. Come back in a second.`,
        retryAfter(1_000),
      );
    this.#atWork += 1;
    return () => void (this.#atWork -= 1);
  }
}
