import type { Tick } from './cluster-time.js';
import { NEVER } from './cluster-time.js';
import type { Collection } from './collection.js';
import type { StoredRecord } from './stored-record.js';

interface Superseded {
  readonly collection: Collection;
  readonly record: StoredRecord;
  /** When the newer state was committed. */
  readonly at: Tick;
}

const FORGET_IN_ONE_GO = 1_024;
const KEPT_MS = 300_000;
const MOST_KEPT = 100;

/** Knows which snapshots are open, and forgets the states of documents that none of them can see. */
export class History {
  readonly #open = new Map<Tick, number>();
  readonly #kept = new Map<Tick, NodeJS.Timeout>();
  readonly #superseded: Superseded[] = [];
  #done = 0;
  #horizon: Tick = 0;

  /** The oldest time as of which everything can still be read. */
  get horizon(): Tick {
    return this.#horizon;
  }

  open(at: Tick): void {
    this.#open.set(at, (this.#open.get(at) ?? 0) + 1);
  }

  close(at: Tick): void {
    const others = (this.#open.get(at) ?? 0) - 1;
    if (others > 0) {
      this.#open.set(at, others);
      return;
    }
    this.#open.delete(at);
    this.#trim();
  }

  /** Keeps a snapshot open for five minutes, for whoever wants to read as of this time again; not more than a hundred at a time. */
  keep(at: Tick): void {
    if (this.#kept.has(at)) return;
    this.open(at);
    this.#kept.set(at, setTimeout(() => this.#letGo(at), KEPT_MS).unref());
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT) this.#letGo(oldest!);
  }

  /** Told of every record whose state of before `at` is needed by older snapshots only. */
  superseded(collection: Collection, record: StoredRecord, at: Tick): void {
    if (this.#open.size === 0) this.#forget(collection, record, at);
    else this.#superseded.push({ collection, record, at });
  }

  #letGo(at: Tick): void {
    clearTimeout(this.#kept.get(at));
    this.#kept.delete(at);
    this.close(at);
  }

  #trim(): void {
    if (this.#done === this.#superseded.length) return;
    const oldest = Math.min(NEVER, ...this.#open.keys());
    for (; this.#done < this.#superseded.length; this.#done++) {
      const { collection, record, at } = this.#superseded[this.#done]!;
      if (at > oldest) break;
      this.#forget(collection, record, at);
    }
    if (this.#done < FORGET_IN_ONE_GO && this.#done < this.#superseded.length) return;
    this.#superseded.splice(0, this.#done);
    this.#done = 0;
  }

  #forget(collection: Collection, record: StoredRecord, at: Tick): void {
    this.#horizon = Math.max(this.#horizon, at);
    collection.trim(record, at);
  }
}
