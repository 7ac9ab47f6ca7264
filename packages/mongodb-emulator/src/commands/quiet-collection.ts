import { CODES, ServerError } from '../server-error.js';
import type { Collection } from '../store/collection.js';
import type { Steps } from '../store/steps.js';
import type { Context } from './context.js';

/**
 * The collection that a command of the catalogue is about, once no open transaction has writes in it; undefined if it is not there. Such
 * commands wait, as the server's do for their locks.
 */
export function* quietCollection({ store }: Context, db: string, name: string): Steps<Collection | undefined> {
  for (;;) {
    const collection = store.catalogue.get(db, name);
    const [writer] = collection?.writers ?? [];
    const inTheWay = collection?.creator ?? writer;
    if (!inTheWay) return collection;
    yield inTheWay.ending;
  }
}

/** @throws ServerError 26 */
export function noSuchNamespace(db: string, name: string): never {
  throw new ServerError(CODES.NamespaceNotFound, `ns does not exist: ${db}.${name}`);
}
