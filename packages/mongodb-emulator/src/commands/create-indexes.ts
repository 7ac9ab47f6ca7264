import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import type { CollectionIndex, IndexEntry } from '../store/collection-index.js';
import type { Collection } from '../store/collection.js';
import { isSameIndex, isSameKey, parseIndex } from '../store/index-definition.js';
import type { IndexDefinition } from '../store/index-definition.js';
import { compareKeys } from '../store/key-range.js';
import type { IndexKey } from '../store/key-range.js';
import { duplicateKey } from '../store/leave-to-write.js';
import type { Steps } from '../store/steps.js';
import type { Context } from './context.js';
import { quietCollection } from './quiet-collection.js';
import { collectionToInsertInto } from './statements/target.js';

export function* createIndexes(context: Context): Steps<Document> {
  const { arguments: given, db, collection: name, store, surroundings, access } = context;
  const definitions = given.requiredDocuments('indexes').map(parseIndex);
  if (definitions.length === 0) throw new ServerError(CODES.BadValue, 'Must specify at least one index to create');
  const known = store.catalogue.find(db, name, access);
  const collection = known ?? (yield* collectionToInsertInto(context, { db, name }));
  const numIndexesBefore = collection.indexes.length;
  const missing = definitions.filter((definition) => isMissing(collection, definition));
  if (known && missing.length > 0) yield* getReady(context, known);
  for (const definition of missing) build({ collection, definition });
  if (collection.indexes.some(({ definition }) => definition.expireAfterSeconds !== undefined)) surroundings.expiry.start();
  return {
    numIndexesBefore,
    numIndexesAfter: collection.indexes.length,
    createdCollectionAutomatically: !known,
    ...(missing.length === 0 ? { note: 'all indexes already exist' } : { commitQuorum: 'votingMembers' }),
  };
}

/** Outside a transaction it waits; inside, only a collection of the transaction's own takes indexes. */
function* getReady(context: Context, collection: Collection): Steps<void> {
  const { access, db } = context;
  if (!access.writer) {
    yield* quietCollection(context, db, collection.name);
  } else if (collection.creator !== access.writer) {
    throw new ServerError(
      CODES.OperationNotSupportedInTransaction,
      `Cannot create new indexes on existing collection ${collection.namespace} in a multi-document transaction.`,
    );
  }
}

/** @throws ServerError 85 or 86 for one that is there, but otherwise */
function isMissing(collection: Collection, wanted: IndexDefinition): boolean {
  for (const { definition } of collection.indexes) {
    const [hasName, hasKey] = [definition.name === wanted.name, isSameKey(definition.key, wanted.key)];
    if (hasKey && definition.name === '_id_') return false;
    const isSame = isSameIndex(definition, wanted);
    if (hasName && isSame) return false;
    if (hasName && !hasKey) {
      throw new ServerError(
        CODES.IndexKeySpecsConflict,
        `An existing index has the same name as the requested index. When index names are not specified, they are auto generated and can cause conflicts. Please refer to our documentation. Requested index: ${wanted.name}, existing index: ${definition.name}`,
      );
    }
    if (hasName || isSame) conflictingOptions(definition, wanted);
    if (hasKey && isSameSelection(definition, wanted)) conflictingOptions(definition, wanted);
  }
  return true;
}

/** Two indexes on the same fields can live side by side only if they leave out other documents. */
function isSameSelection(one: IndexDefinition, other: IndexDefinition): boolean {
  return isSameIndex(
    { ...one, isUnique: true, isSparse: true, expireAfterSeconds: undefined },
    { ...other, isUnique: true, isSparse: true, expireAfterSeconds: undefined },
  );
}

function conflictingOptions({ name }: IndexDefinition, wanted: IndexDefinition): never {
  const message =
    name === wanted.name
      ? `An equivalent index already exists with the same name but different options. Requested index: ${wanted.name}, existing index: ${name}`
      : `Index already exists with a different name: ${name}`;
  throw new ServerError(CODES.IndexOptionsConflict, message);
}

function build({ collection, definition }: { readonly collection: Collection; readonly definition: IndexDefinition }): void {
  const index = collection.addIndex(definition);
  const duplicate = definition.isUnique ? duplicateIn(index) : undefined;
  if (!duplicate) return;
  collection.removeIndex(index);
  throw duplicateKey({ collection, index, key: duplicate });
}

/** A key of two documents. By now nobody else has anything uncommitted here: the newest states are the ones that count. */
function duplicateIn(index: CollectionIndex): IndexKey | undefined {
  const { fields } = index.definition;
  let last: IndexEntry | undefined;
  for (const entry of index.scan({ prefix: [] }, false)) {
    if (!index.has(entry.record.newest?.document, entry.key)) continue;
    if (last && last.record !== entry.record && compareKeys(last.key, entry.key, fields) === 0) return entry.key;
    last = entry;
  }
  return undefined;
}
