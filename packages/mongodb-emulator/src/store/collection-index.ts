import { Timestamp } from 'bson';
import type { Document } from 'bson';
import { compileFilter } from '../query/filter.js';
import type { CompiledFilter } from '../query/filter.js';
import { keyOf } from '../values/key.js';
import { fieldOf, valuesAt } from '../values/path.js';
import type { IndexDefinition } from './index-definition.js';
import { compareKeys, placeOf } from './key-range.js';
import type { IndexKey, KeyRange } from './key-range.js';
import { OrderedEntries } from './ordered-entries.js';
import type { StoredRecord } from './stored-record.js';

export interface IndexEntry {
  readonly key: IndexKey;
  readonly record: StoredRecord;
}

const NO_KEYS: readonly IndexKey[] = [];

/**
 * The records of a collection by the values of some fields. A record has an entry for every key that any of its states has, so whoever comes
 * by an entry has to look whether the state he sees has that key.
 */
export class CollectionIndex {
  /** Some document has more than one key here. */
  isMultikey = false;
  #entries: OrderedEntries<IndexEntry> | undefined;
  readonly #partial: CompiledFilter | undefined;
  /** The top-level fields that keys depend on; undefined if they may depend on any. */
  readonly #roots: readonly string[] | undefined;

  constructor(
    readonly definition: IndexDefinition,
    /** What to fill it from when it is first looked into. */
    private readonly records: () => Iterable<StoredRecord>,
  ) {
    const { partialFilter, fields } = definition;
    this.#partial = partialFilter && compileFilter(partialFilter, { now: new Date(0), clusterTime: new Timestamp(0n) });
    this.#roots = rootsOf([...fields.map(({ path }) => path), ...Object.keys(partialFilter ?? {})]);
  }

  get name(): string {
    return this.definition.name;
  }

  /** The keys of a document; none if the index leaves it out. */
  keysOf(document: Document): readonly IndexKey[] {
    const { fields, isSparse } = this.definition;
    if (this.#partial && !this.#partial.matches(document)) return NO_KEYS;
    if (isSparse && fields.every(({ path }) => isMissing(document, path))) return NO_KEYS;
    const first = valuesAt(document, fields[0]!.path);
    let keys: IndexKey[] = first.length === 1 ? [first] : distinct(first).map((value) => [value]);
    for (let at = 1; at < fields.length; at++) {
      const values = valuesAt(document, fields[at]!.path);
      if (values.length === 1 && keys.length === 1) keys = [[...keys[0]!, values[0]]];
      else keys = keys.flatMap((key) => distinct(values).map((value) => [...key, value]));
    }
    return keys;
  }

  has(document: Document | undefined, key: IndexKey): boolean {
    return document !== undefined && this.keysOf(document).some((other) => compareKeys(key, other, this.definition.fields) === 0);
  }

  /** Whether a change leaves the keys as they are, found out without looking at them; false when in doubt. */
  ignores(before: Document, after: Document): boolean {
    return this.#roots?.every((root) => before[root] === after[root]) ?? false;
  }

  /** Makes the record findable by what it is now. */
  add(document: Document, record: StoredRecord): void {
    if (!this.#entries) return;
    const keys = this.keysOf(document);
    if (keys.length > 1) this.isMultikey = true;
    for (const key of keys) this.#entries.add({ key, record });
  }

  /** Forgets what a record was, but for the keys that it still has by other states. */
  forget(document: Document, record: StoredRecord): void {
    if (!this.#entries) return;
    for (const key of this.keysOf(document)) {
      if (!this.#isStillUsed(key, record)) this.#entries.delete({ key, record });
    }
  }

  /** The records that have, or had, or will have this key. */
  *withKey(key: IndexKey): Generator<StoredRecord, void> {
    for (const { record } of this.entries.forward((entry) => compareKeys(entry.key, key, this.definition.fields))) yield record;
  }

  /** The entries of a range, in the order of the index or against it. */
  scan(range: KeyRange, isBackward: boolean): Generator<IndexEntry, void> {
    const place = this.#placeIn(range);
    return isBackward ? this.entries.backward(place) : this.entries.forward(place);
  }

  estimate(range: KeyRange): number {
    return this.entries.estimate(this.#placeIn(range));
  }

  private get entries(): OrderedEntries<IndexEntry> {
    return (this.#entries ??= this.#filled());
  }

  #placeIn(range: KeyRange): (entry: IndexEntry) => number {
    const { fields } = this.definition;
    return ({ key }) => placeOf(key, range, fields);
  }

  #filled(): OrderedEntries<IndexEntry> {
    const { fields } = this.definition;
    const filled: IndexEntry[] = [];
    for (const record of this.records()) {
      let keys: readonly IndexKey[] = [];
      for (const { document } of record.versions()) {
        if (!document) continue;
        const ofVersion = this.keysOf(document);
        if (ofVersion.length > 1) this.isMultikey = true;
        keys = [...keys, ...ofVersion.filter((key) => !keys.some((other) => compareKeys(key, other, fields) === 0))];
      }
      for (const key of keys) filled.push({ key, record });
    }
    const entries = new OrderedEntries<IndexEntry>(
      (one, other) => compareKeys(one.key, other.key, fields) || one.record.number - other.record.number,
    );
    entries.fill(filled);
    return entries;
  }

  #isStillUsed(key: IndexKey, record: StoredRecord): boolean {
    for (const { document } of record.versions()) {
      if (this.has(document, key)) return true;
    }
    return false;
  }
}

/** Paths of operators (`$and`) hide the fields that they are about. */
function rootsOf(paths: readonly string[]): readonly string[] | undefined {
  if (paths.some((path) => path.startsWith('$'))) return undefined;
  return [...new Set(paths.map((path) => path.split('.')[0]!))];
}

function isMissing(document: Document, path: string): boolean {
  const [root, ...rest] = path.split('.');
  const value = fieldOf(document, root!);
  if (rest.length === 0 || value === undefined) return value === undefined;
  const values = valuesAt(document, path);
  return values.length === 1 && values[0] === null;
}

function distinct(values: readonly unknown[]): readonly unknown[] {
  if (values.length < 2) return values;
  return [...new Map(values.map((value) => [keyOf(value), value])).values()];
}
