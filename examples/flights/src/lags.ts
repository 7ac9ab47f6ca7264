const LONGEST_MS = 60_000;

/** A histogram of durations, one slot a millisecond: a quarter of a megabyte for any number of them. */
export class Lags {
  readonly #counts = new Uint32Array(LONGEST_MS + 1);
  #number = 0;

  add(ms: number): void {
    this.#counts[Math.min(LONGEST_MS, Math.max(0, Math.round(ms)))]! += 1;
    this.#number += 1;
  }

  /** The duration that this share of all stay within; `undefined` when there is none. */
  quantile(share: number): number | undefined {
    let rest = Math.ceil(share * this.#number);
    if (rest === 0) return undefined;
    return this.#counts.findIndex((count) => (rest -= count) <= 0);
  }
}
