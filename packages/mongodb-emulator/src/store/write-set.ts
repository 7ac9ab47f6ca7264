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

interface Logged {
  readonly operation: Operation;
  readonly record: StoredRecord | undefined;
}

/** What an open transaction has written and nobody else sees yet: at most one state a document. */
export class WriteSet implements Access, Writer {
  readonly ending = new Ending();
  readonly created = new Set<Collection>();
  readonly #writes = new Map<StoredRecord, Write>();
  /** In the order in which they were done; several for one document if it was written several times. */
  readonly #operations: Logged[] = [];

  constructor(
    /** The snapshot. */
    readonly at: Tick,
  ) {}

  get writer(): this {
    return this;
  }

  get operations(): readonly Operation[] {
    return this.#operations.map(({ operation }) => operation);
  }

  /** The operations on these documents; those on none belong to the first. */
  operationsOf(writes: readonly Write[], isFirst: boolean): readonly Operation[] {
    const records = new Set(writes.map(({ record }) => record));
    return this.#operations.flatMap(({ operation, record }) => ((record ? records.has(record) : isFirst) ? [operation] : []));
  }

  log(operation: Operation, record?: StoredRecord): void {
    this.#operations.push({ operation, record });
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
