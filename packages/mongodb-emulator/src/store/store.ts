import type { Document } from 'bson';
import { Operation } from '../oplog/operation.js';
import type { Oplog, OplogEntry } from '../oplog/oplog.js';
import { Catalogue } from './catalogue.js';
import { timestampOf } from './cluster-time.js';
import type { ClusterTime, Tick } from './cluster-time.js';
import type { Collection } from './collection.js';
import { History } from './history.js';
import type { Isolation } from './isolation.js';
import type { StoredRecord } from './stored-record.js';
import { Version } from './version.js';
import type { Access, Write, WriteSet } from './write-set.js';

export interface Change {
  readonly kind: 'insert' | 'update' | 'replace' | 'delete';
  readonly collection: Collection;
  readonly record: StoredRecord;
  readonly before: Document | undefined;
  readonly after: Document | undefined;
}

/** Whose commit it is, as the oplog tells it. */
export type Origin = Pick<OplogEntry, 'lsid' | 'txnNumber'>;

/** What the server holds, and the few ways to change it. Each change is whole when the call returns. Asks nobody for leave. */
export class Store {
  readonly catalogue = new Catalogue();
  readonly history = new History();
  readonly #dropped = new WeakMap<Operation, Collection>();

  constructor(
    readonly clusterTime: ClusterTime,
    readonly oplog: Oplog,
    readonly isolation: Isolation,
    readonly now: () => Date,
  ) {}

  /** Changes one document: at once, or as a part of a transaction. */
  write(change: Change, access: Access): void {
    const { kind, collection, before, after } = change;
    const key = { _id: (after ?? before)!._id as unknown };
    const operation = new Operation({ kind, db: collection.db, collection: collection.name, key, before, after });
    if (access.writer) this.#writeOpen(change, operation, access.writer);
    else this.#writeNow(change, operation);
  }

  /** Makes the writes of a transaction visible. @returns its cluster time; undefined if it wrote nothing */
  commit(writes: WriteSet, of: Origin): Tick | undefined {
    for (const collection of writes.created) collection.creator = undefined;
    const groups = this.isolation.commitGroups(writes.writes());
    const [only = []] = groups;
    let at: Tick | undefined;
    if (groups.length > 1) this.#publishOneByOne(groups, writes, of);
    else if (writes.operations.length > 0) at = this.#publish(only, writes.operations, of);
    this.#end(writes);
    return at;
  }

  abort(writes: WriteSet): void {
    for (const { collection, record, version } of writes.writes()) collection.withdraw(record, version);
    for (const collection of writes.created) this.catalogue.remove(collection);
    this.#end(writes);
  }

  create(db: string, name: string, options: Document, access: Access): Collection {
    const collection = this.catalogue.create(db, name, options);
    const operation = new Operation({ kind: 'create', db, collection: name });
    if (access.writer) {
      collection.creator = access.writer;
      access.writer.created.add(collection);
      access.writer.log(operation);
    } else {
      this.#log(operation, this.clusterTime.next());
    }
    return collection;
  }

  drop(collection: Collection): void {
    const operation = new Operation({ kind: 'drop', db: collection.db, collection: collection.name });
    this.#dropped.set(operation, collection);
    this.catalogue.remove(collection);
    this.#log(operation, this.clusterTime.next());
  }

  dropDatabase(db: string): void {
    for (const collection of this.catalogue.collections(db)) this.drop(collection);
    this.#log(new Operation({ kind: 'dropDatabase', db, collection: '' }), this.clusterTime.next());
  }

  /** Undoes what was committed after this time. There must be no open transaction. */
  rollbackTo(to: Tick): void {
    for (const { operations } of this.oplog.takeBack(timestampOf(to))) {
      for (const operation of [...operations].reverse()) this.#undo(operation, to);
    }
  }

  #writeNow({ collection, record, after }: Change, operation: Operation): void {
    const at = this.clusterTime.next();
    const { newest } = record;
    collection.push(record, Version.committed(after, at, newest));
    if (newest) this.history.superseded(collection, record, at);
    this.#log(operation, at);
    this.#count([operation]);
  }

  #writeOpen({ collection, record, after }: Change, operation: Operation, writes: WriteSet): void {
    const earlier = writes.of(record);
    const version = Version.open(after, writes, record.newest);
    collection.push(record, version);
    if (earlier) collection.withdraw(record, earlier);
    writes.add({ collection, record, version });
    writes.log(operation, record);
  }

  #publish(writes: readonly Write[], operations: readonly Operation[], of: Origin): Tick {
    const at = this.clusterTime.next();
    for (const { collection, record, version } of writes) {
      version.at = at;
      version.writer = undefined;
      if (version.previous || !version.document) this.history.superseded(collection, record, at);
    }
    this.oplog.append({ clusterTime: timestampOf(at), wallTime: this.now(), operations, ...of });
    this.#count(operations);
    return at;
  }

  /** For tests that have to see what comes of it: others read between two groups. */
  #publishOneByOne([group, ...later]: readonly (readonly Write[])[], writes: WriteSet, of: Origin, isFirst = true): void {
    if (!group) return;
    this.#publish(group, writes.operationsOf(group, isFirst), of);
    setImmediate(() => this.#publishOneByOne(later, writes, of, false));
  }

  #end(writes: WriteSet): void {
    for (const collection of writes.collections()) collection.writers.delete(writes);
    writes.ending.conclude();
  }

  #log(operation: Operation, at: Tick): void {
    this.oplog.append({ clusterTime: timestampOf(at), wallTime: this.now(), operations: [operation] });
  }

  #count(operations: readonly Operation[]): void {
    for (const { kind, db, collection } of operations) {
      if (kind !== 'insert' && kind !== 'delete') continue;
      const counted = this.catalogue.get(db, collection);
      if (counted) counted.count += kind === 'insert' ? 1 : -1;
    }
  }

  #undo(operation: Operation, to: Tick): void {
    const { kind, db, collection: name, key, before } = operation;
    if (kind === 'dropDatabase') return;
    if (kind === 'drop') {
      const collection = this.#dropped.get(operation)!;
      collection.isDropped = false;
      return this.catalogue.add(collection);
    }
    const collection = this.catalogue.get(db, name);
    if (!collection) return;
    if (kind === 'create') return this.catalogue.remove(collection);
    collection.reset(key!._id, before, to);
    if (kind === 'insert') collection.count--;
    else if (kind === 'delete') collection.count++;
  }
}
