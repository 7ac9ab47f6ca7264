import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { Collection } from './collection.js';
import type { Reader } from './isolation.js';

const MOST_NAMESPACE_BYTES = 255;

/** All collections by database and name. A database is there as long as it has a collection. */
export class Catalogue {
  readonly #databases = new Map<string, Map<string, Collection>>();

  /** The collection as this reader sees it; undefined if it is not there. */
  find(db: string, name: string, reader?: Reader): Collection | undefined {
    const collection = this.get(db, name);
    return collection?.creator === undefined || collection.creator === reader?.writer ? collection : undefined;
  }

  /** Also one that an open transaction has created. */
  get(db: string, name: string): Collection | undefined {
    return this.#databases.get(db)?.get(name);
  }

  add(collection: Collection): void {
    const { db, name } = collection;
    const collections = this.#databases.get(db) ?? new Map<string, Collection>();
    this.#databases.set(db, collections.set(name, collection));
  }

  create(db: string, name: string, options: Document = {}): Collection {
    checkNamespace(db, name);
    const collection = new Collection(db, name, options);
    this.add(collection);
    return collection;
  }

  remove(collection: Collection): void {
    const { db, name } = collection;
    const collections = this.#databases.get(db);
    if (collections?.get(name) !== collection) return;
    collection.isDropped = true;
    collections.delete(name);
    if (collections.size === 0) this.#databases.delete(db);
  }

  databases(): readonly string[] {
    return [...this.#databases.keys()].sort();
  }

  collections(db: string): readonly Collection[] {
    return [...(this.#databases.get(db)?.values() ?? [])];
  }

  all(): readonly Collection[] {
    return this.databases().flatMap((db) => this.collections(db));
  }
}

/** @throws ServerError 73 */
export function checkNamespace(db: string, name: string): void {
  const namespace = `${db}.${name}`;
  const isBad =
    name === '' || db === '' || /[/\\. "$\0]/.test(db) || /[$\0]/.test(name) || name.startsWith('.') || name.startsWith('system.');
  if (isBad || Buffer.byteLength(namespace) > MOST_NAMESPACE_BYTES) {
    throw new ServerError(CODES.InvalidNamespace, `Invalid namespace specified '${namespace}'`);
  }
}
