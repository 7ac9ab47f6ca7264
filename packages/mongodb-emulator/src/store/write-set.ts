import type { Operation } from '../oplog/operation.js';
import type { Tick } from './cluster-time.js';
import type { Collection } from './collection.js';
import { Ending } from './ending.js';
import type { Reader } from './isolation.js';
import type { StoredRecord } from './stored-record.js';
import type { Version, Writer } from './version.js';

/** How a command reads and writes: inside a transaction, or outside. */
export interface Access extends Reader {
  readonly at: Tick;
  readonly writer: WriteSet | undefined;
}

export interface Write {
  readonly collection: Collection;
  readonly record: StoredRecord;
  readonly version: Version;
}

/** What an open transaction has written and nobody else sees yet: at most one state a document. */
export class WriteSet implements Access, Writer {
  readonly ending = new Ending();
  readonly operations: Operation[] = [];
  readonly created = new Set<Collection>();
  readonly #writes = new Map<StoredRecord, Write>();

  constructor(
    /** The snapshot. */
    readonly at: Tick,
  ) {}

  get writer(): this {
    return this;
  }

  writes(): readonly Write[] {
    return [...this.#writes.values()];
  }

  collections(): ReadonlySet<Collection> {
    return new Set(this.writes().map(({ collection }) => collection));
  }

  /** The state that this transaction has given the record before, if it has. */
  of(record: StoredRecord): Version | undefined {
    return this.#writes.get(record)?.version;
  }

  add(write: Write): void {
    this.#writes.set(write.record, write);
    write.collection.writers.add(this);
  }
}
