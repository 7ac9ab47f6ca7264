import type { Document } from 'bson';
import { compileFilter } from '../query/filter.js';
import type { CompiledFilter, Variables } from '../query/filter.js';
import { compileSort } from '../query/sort.js';
import { ServerError } from '../server-error.js';
import { hasOperators } from '../query/operator-document.js';
import { bsonTypeOf } from '../values/bson-type.js';
import type { Collection } from './collection.js';
import type { Isolation, Reader } from './isolation.js';
import { candidatesOf, mayRepeat } from './plan.js';
import type { Plan } from './plan.js';
import { planFor } from './planner.js';
import type { Query } from './planner.js';
import type { StoredRecord } from './stored-record.js';

export interface Found {
  readonly record: StoredRecord;
  readonly document: Document;
}

export interface Examined {
  keys: number;
  documents: number;
}

const EVERYTHING: CompiledFilter = { matches: () => true, arrayIndex: () => undefined };
const NO_VALUE: ReadonlySet<string> = new Set(['missing', 'null', 'regex', 'array']);

/** A query on one collection: compiled and planned once, read as often as need be. Always of what the reader sees at that moment. */
export class Search {
  readonly filter: CompiledFilter;
  readonly plan: Plan;
  readonly examined: Examined = { keys: 0, documents: 0 };
  readonly #compare: ((one: Document, other: Document) => number) | undefined;

  constructor(
    private readonly collection: Collection,
    query: Query,
    variables: Variables,
    private readonly reader: Reader,
    private readonly isolation: Isolation,
  ) {
    const { filter, sort } = query;
    const isById = query.hint === undefined && isIdOnly(filter);
    this.filter = isById || isEmpty(filter) ? EVERYTHING : compileFilter(filter, variables);
    this.plan = isById ? { by: 'ids', ids: [filter._id] } : planFor(collection, query);
    this.#compare = sort && !isEmpty(sort) && !isSortedBy(this.plan, sort) ? compileSort(sort) : undefined;
  }

  get sorts(): boolean {
    return this.#compare !== undefined;
  }

  first(): Found | undefined {
    for (const found of this.results()) return found;
    return undefined;
  }

  /** What matches, in the order that was asked for. Goes on with the state of things at the time of each step. */
  *results(): Generator<Found, void> {
    const compare = this.#compare;
    if (!compare) yield* this.#matches();
    else yield* [...this.#matches()].sort((one, other) => compare(one.document, other.document));
  }

  /** The record as it is now, if it still matches. */
  recheck(record: StoredRecord): Document | undefined {
    const document = record.seenBy(this.reader, this.isolation);
    return document && !this.collection.isDropped && this.filter.matches(document) ? document : undefined;
  }

  *#matches(): Generator<Found, void> {
    const { collection, reader, isolation, filter, examined, plan } = this;
    const seen = mayRepeat(plan) ? new Set<StoredRecord>() : undefined;
    for (const { record, index, key } of candidatesOf(plan, collection)) {
      if (collection.isDropped) throw new ServerError(175, `collection dropped. UUID ${collection.uuid.toHexString()}`);
      if (index) examined.keys++;
      if (seen?.has(record)) continue;
      const document = record.seenBy(reader, isolation);
      if (!document) continue;
      examined.documents++;
      // The entry may be of another state than the one that is seen; that one has an entry of its own.
      const isAlone = record.newest!.previous === undefined;
      if (index && key && !isAlone && !index.has(document, key)) continue;
      if (!filter.matches(document)) continue;
      seen?.add(record);
      yield { record, document };
    }
  }
}

function isSortedBy(plan: Plan, sort: Document): boolean {
  if (plan.by === 'collection') return sort.$natural !== undefined;
  if (plan.by === 'ids') return plan.ids.length === 1;
  return plan.by === 'index' && plan.isSorted;
}

function isEmpty(document: Document): boolean {
  for (const _field in document) return false;
  return true;
}

/** `{ _id: value }`: nothing is left to be looked at once the document is found. */
function isIdOnly(filter: Document): boolean {
  for (const field in filter) if (field !== '_id') return false;
  const id = filter._id as unknown;
  return !NO_VALUE.has(bsonTypeOf(id)) && !hasOperators(id);
}
