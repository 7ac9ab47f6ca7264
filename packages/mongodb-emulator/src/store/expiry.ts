import type { CollectionIndex } from './collection-index.js';
import type { Collection } from './collection.js';
import { NEVER } from './cluster-time.js';
import type { LeaveToWrite } from './leave-to-write.js';
import type { Store } from './store.js';
import type { Access } from './write-set.js';

const EARLIEST = new Date(-8_640_000_000_000_000);
const PLAIN: Access = { at: NEVER, writer: undefined };

/** Deletes the documents whose time is up, by the indexes that say so. Starts with the first such index. */
export class Expiry {
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: Store,
    private readonly leave: LeaveToWrite,
    private readonly intervalMs: number,
  ) {}

  start(): void {
    this.#timer ??= setInterval(() => this.run(), this.intervalMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** What an open transaction has written is left for the next time. */
  run(): void {
    for (const collection of this.store.catalogue.all()) {
      for (const index of collection.indexes) {
        if (index.definition.expireAfterSeconds !== undefined && collection.creator === undefined) this.#expire(collection, index);
      }
    }
  }

  #expire(collection: Collection, index: CollectionIndex): void {
    const { expireAfterSeconds = 0 } = index.definition;
    const latest = new Date(this.store.now().getTime() - expireAfterSeconds * 1_000);
    const range = { prefix: [], lower: { value: EARLIEST, inclusive: true }, upper: { value: latest, inclusive: true } };
    for (const { record, key } of index.scan(range, false)) {
      const before = record.seenBy(PLAIN, this.store.isolation);
      if (!before || !index.has(before, key) || this.leave.obstacleAt(record, PLAIN)) continue;
      this.store.write({ kind: 'delete', collection, record, before, after: undefined }, PLAIN);
    }
  }
}
