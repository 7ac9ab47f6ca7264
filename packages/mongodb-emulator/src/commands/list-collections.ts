import type { Document } from 'bson';
import { compileFilter } from '../query/filter.js';
import type { Collection } from '../store/collection.js';
import { Arguments } from './arguments.js';
import type { Context } from './context.js';
import { firstBatch } from './first-batch.js';

export function listCollections(context: Context): Document {
  const { arguments: given, db, store, variables } = context;
  const filter = compileFilter(given.document('filter') ?? {}, variables);
  const describe = given.flag('nameOnly') ? nameOf : describeCollection;
  const options = given.document('cursor');
  const visible = store.catalogue.collections(db).filter(({ creator }) => creator === undefined);
  return firstBatch(context, {
    namespace: `${db}.$cmd.listCollections`,
    documents: visible.filter((collection) => filter.matches(describeCollection(collection))).map(describe),
    batchSize: options && new Arguments('listCollections', options).count('batchSize'),
  });
}

function nameOf({ name }: Collection): Document {
  return { name, type: 'collection' };
}

function describeCollection({ name, options, uuid, idIndex }: Collection): Document {
  return { name, type: 'collection', options, info: { readOnly: false, uuid }, idIndex: idIndex.definition.document };
}
