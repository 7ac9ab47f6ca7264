import type { Document } from 'bson';
import type { Steps } from '../store/steps.js';
import type { Context } from './context.js';
import { quietCollection } from './quiet-collection.js';

/** Dropping what is not there is no error. */
export function* drop(context: Context): Steps<Document> {
  const { db, collection: name, store } = context;
  const collection = yield* quietCollection(context, db, name);
  if (!collection) return {};
  const nIndexesWas = collection.indexes.length;
  store.drop(collection);
  return { nIndexesWas, ns: collection.namespace };
}
