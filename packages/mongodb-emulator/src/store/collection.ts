import { UUID } from 'bson';
import type { Document } from 'bson';
import { keyOf } from '../values/key.js';
import type { Tick } from './cluster-time.js';
import { CollectionIndex } from './collection-index.js';
import { ID_INDEX } from './index-definition.js';
import type { IndexDefinition } from './index-definition.js';
import { StoredRecord } from './stored-record.js';
import { Version } from './version.js';
import type { Writer } from './version.js';

/** The documents of a collection, with all their states, and their indexes. Knows nothing of who may do what. */
export class Collection {
  readonly uuid = new UUID();
  readonly idIndex = new CollectionIndex(ID_INDEX, () => this.#records.values());
  /** Besides the one on `_id`. */
  readonly #indexes: CollectionIndex[] = [];
  readonly #records = new Map<string, StoredRecord>();
  #lastNumber = 0;

  /** Documents that are committed. */
  count = 0;
  isDropped = false;
  /** The transaction that has created it and is still open: nobody else sees it. */
  creator: Writer | undefined;
  /** Open transactions that have written here. */
  readonly writers = new Set<Writer>();

  constructor(
    readonly db: string,
    readonly name: string,
    readonly options: Document,
  ) {}

  get namespace(): string {
    return `${this.db}.${this.name}`;
  }

  get indexes(): readonly CollectionIndex[] {
    return [this.idIndex, ...this.#indexes];
  }

  /** In the order of the first insert. */
  records(): Iterable<StoredRecord> {
    return this.#records.values();
  }

  get size(): number {
    return this.#records.size;
  }

  recordOf(id: unknown): StoredRecord | undefined {
    return this.#records.get(keyOf(id));
  }

  recordByKey(key: string): StoredRecord | undefined {
    return this.#records.get(key);
  }

  /** The record for a new document, made if there is none. */
  recordFor(key: string): StoredRecord {
    const known = this.#records.get(key);
    if (known) return known;
    const record = new StoredRecord(++this.#lastNumber, key);
    this.#records.set(key, record);
    return record;
  }

  /** Puts a new state on top. */
  push(record: StoredRecord, version: Version): void {
    const before = record.newest?.document;
    record.newest = version;
    const after = version.document;
    if (!after) return;
    this.idIndex.add(after, record);
    for (const index of this.#indexes) {
      if (!before || !index.ignores(before, after)) index.add(after, record);
    }
  }

  /** Takes a state out that was never committed. */
  withdraw(record: StoredRecord, version: Version): void {
    record.remove(version);
    this.#forget(record, version);
    this.#dropIfGone(record);
  }

  /** Forgets the states that no snapshot from `oldest` on can see. */
  trim(record: StoredRecord, oldest: Tick): void {
    for (const version of record.trim(oldest)) this.#forget(record, version);
    const { newest } = record;
    if (newest && !newest.document && !newest.previous && newest.writer === undefined && newest.at <= oldest) this.#remove(record);
  }

  /** Sets a document to a state, whatever there was. */
  reset(id: unknown, document: Document | undefined, at: Tick): void {
    const record = this.recordFor(keyOf(id));
    const forgotten = [...record.versions()];
    record.newest = undefined;
    for (const version of forgotten) this.#forget(record, version);
    if (document) this.push(record, Version.committed(document, at, undefined));
    else this.#remove(record);
  }

  /** Fills the index before it answers. */
  addIndex(definition: IndexDefinition): CollectionIndex {
    const index = new CollectionIndex(definition, () => this.#records.values());
    index.estimate({ prefix: [] });
    this.#indexes.push(index);
    return index;
  }

  removeIndex(index: CollectionIndex): void {
    this.#indexes.splice(this.#indexes.indexOf(index), 1);
  }

  #forget(record: StoredRecord, { document }: Version): void {
    if (!document) return;
    const kept = record.newest;
    const isOnlyOne = kept?.document !== undefined && kept.previous === undefined;
    for (const index of this.indexes) {
      if (!isOnlyOne || !index.ignores(document, kept.document)) index.forget(document, record);
    }
  }

  #dropIfGone(record: StoredRecord): void {
    if (!record.newest) this.#remove(record);
  }

  #remove(record: StoredRecord): void {
    const { newest } = record;
    if (newest) this.#forgetAll(record);
    this.#records.delete(record.key);
  }

  #forgetAll(record: StoredRecord): void {
    const versions = [...record.versions()];
    record.newest = undefined;
    for (const version of versions) this.#forget(record, version);
  }
}
