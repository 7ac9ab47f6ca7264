import type { Document, Long, Timestamp } from 'bson';
import { tickOf, timestampOf } from '../store/cluster-time.js';
import type { Tick } from '../store/cluster-time.js';
import type { Operation } from './operation.js';

export interface OplogEntry {
  readonly clusterTime: Timestamp;
  readonly wallTime: Date;
  /** More than one only for a transaction. In the order of the writes. */
  readonly operations: readonly Operation[];
  /** Of the transaction; undefined for a plain write, a retryable one too. */
  readonly lsid?: Document;
  readonly txnNumber?: Long;
}

/** What was committed, in the order of commits: an entry a plain write, an entry a transaction. */
export class Oplog {
  readonly #entries: OplogEntry[] = [];
  readonly #ticks: Tick[] = [];
  readonly #waiting = new Set<() => void>();
  #oldest: Tick;

  constructor(
    start: Timestamp,
    private readonly capacity: number,
  ) {
    this.#oldest = tickOf(start);
  }

  /** Everything after this time can still be read; a stream that has to start before it gets 286. */
  get oldest(): Timestamp {
    return timestampOf(this.#oldest);
  }

  /** Time of the newest entry; {@link oldest} if there is none. */
  get newest(): Timestamp {
    return this.#entries.at(-1)?.clusterTime ?? this.oldest;
  }

  /** The entries strictly after this time, oldest first. Goes on with entries that are appended while it is read. */
  *since(after: Timestamp): Generator<OplogEntry, void> {
    let tick = tickOf(after);
    for (let at = this.#after(tick); at < this.#entries.length; at = this.#ticks[at] === tick ? at + 1 : this.#after(tick)) {
      tick = this.#ticks[at]!;
      yield this.#entries[at]!;
    }
  }

  append(entry: OplogEntry): void {
    this.#entries.push(entry);
    this.#ticks.push(tickOf(entry.clusterTime));
    if (this.#entries.length > this.capacity * 1.25) this.#forget(this.#entries.length - this.capacity);
    if (this.#waiting.size > 0) for (const wake of [...this.#waiting]) wake();
  }

  /** Forgets the entries up to and including this time. */
  truncate(to: Timestamp): void {
    this.#forget(this.#after(tickOf(to)));
    this.#oldest = Math.max(this.#oldest, tickOf(to));
  }

  /** Takes back the entries after this time, newest first. */
  takeBack(to: Timestamp): readonly OplogEntry[] {
    const from = this.#after(tickOf(to));
    this.#ticks.length = from;
    return this.#entries.splice(from).reverse();
  }

  /** Resolves once there is an entry after this time, when the signal aborts, or when the time is over. Never rejects. */
  async next(after: Timestamp, ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || (this.#ticks.at(-1) ?? 0) > tickOf(after)) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  #forget(count: number): void {
    if (count === 0) return;
    this.#oldest = Math.max(this.#oldest, this.#ticks[count - 1]!);
    this.#entries.splice(0, count);
    this.#ticks.splice(0, count);
  }

  /** Index of the first entry after this time. */
  #after(tick: Tick): number {
    let [low, high] = [0, this.#ticks.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ticks[middle]! > tick) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
