import type { Document } from 'bson';
import { Arguments } from './arguments.js';
import type { Context } from './context.js';
import { firstBatch } from './first-batch.js';
import { noSuchNamespace } from './quiet-collection.js';

export function listIndexes(context: Context): Document {
  const { arguments: given, db, collection: name, store, access } = context;
  const collection = store.catalogue.find(db, name, access) ?? noSuchNamespace(db, name);
  const options = given.document('cursor');
  return firstBatch(context, {
    namespace: collection.namespace,
    documents: collection.indexes.map(({ definition }) => definition.document),
    batchSize: options && new Arguments('listIndexes', options).count('batchSize'),
  });
}
