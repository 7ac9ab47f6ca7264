import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import type { CollectionIndex } from '../store/collection-index.js';
import type { Collection } from '../store/collection.js';
import { isSameKey } from '../store/index-definition.js';
import type { Steps } from '../store/steps.js';
import type { Context } from './context.js';
import { noSuchNamespace, quietCollection } from './quiet-collection.js';

export function* dropIndexes(context: Context): Steps<Document> {
  const { arguments: given, db, collection: name } = context;
  const collection = (yield* quietCollection(context, db, name)) ?? noSuchNamespace(db, name);
  const nIndexesWas = collection.indexes.length;
  for (const index of wanted(collection, given.fields.index)) collection.removeIndex(index);
  return { nIndexesWas };
}

function wanted(collection: Collection, index: unknown): readonly CollectionIndex[] {
  if (index === '*') return collection.indexes.slice(1);
  if (Array.isArray(index)) return index.map((name) => one(collection, name));
  return [one(collection, index)];
}

function one(collection: Collection, wish: unknown): CollectionIndex {
  const found = collection.indexes.find(({ definition }) =>
    typeof wish === 'string' ? definition.name === wish : isSameKey(definition.key, wish as Document),
  );
  if (!found) {
    const shown = typeof wish === 'string' ? `name [${wish}]` : `key ${JSON.stringify(wish)}`;
    throw new ServerError(CODES.IndexNotFound, `index not found with ${shown}`);
  }
  if (found === collection.idIndex) throw new ServerError(CODES.InvalidOptions, 'cannot drop _id index');
  return found;
}
