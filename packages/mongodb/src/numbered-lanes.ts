/**
 * What this process knows of numbers that were given: up to where, and in which lanes. A lane that nothing was numbered in need not be read.
 *
 * Batches of other processes are known by their notices, which can be missed; then nothing is known of what lies before.
 */
export class NumberedLanes {
  #upTo = 0n;
  /** Behind this position every batch is known. */
  #knownFrom = 0n;
  readonly #last = new Map<number, bigint>();
  #waiting: (() => void)[] = [];

  /** Everything up to here can be read. */
  get upTo(): bigint {
    return this.#upTo;
  }

  /** A batch from `first` to `last`, with messages in these lanes. */
  add(first: bigint, last: bigint, lanes: readonly number[]): void {
    if (last <= this.#upTo) return;
    if (first > this.#upTo + 1n) this.#forget(first - 1n);
    for (const lane of lanes) this.#last.set(lane, last);
    this.#moveTo(last);
  }

  /** Somebody has numbered up to here, in whatever lanes. */
  sawUpTo(position: bigint): void {
    if (position <= this.#upTo) return;
    this.#forget(position);
    this.#moveTo(position);
  }

  /** Resolves with the next number that this process hears of, whoever gave it. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** True when nothing that can be read lies behind this place, as far as is known. */
  isDone(lane: number | undefined, from: bigint): boolean {
    if (from >= this.#upTo) return true;
    return lane !== undefined && from >= this.#knownFrom && (this.#last.get(lane) ?? 0n) <= from;
  }

  #moveTo(position: bigint): void {
    this.#upTo = position;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const goOn of waiting) goOn();
  }

  #forget(before: bigint): void {
    this.#knownFrom = before;
    this.#last.clear();
  }
}
