import type { Document } from 'bson';
import { compileProjection } from '../query/projection.js';
import { CODES, ServerError } from '../server-error.js';
import type { Search } from '../store/search.js';
import type { Context } from './context.js';
import { firstBatch } from './first-batch.js';
import { skipping } from './skipping.js';

export function find(context: Context): Document {
  const { arguments: given, db, collection } = context;
  const batchSize = given.count('batchSize');
  return firstBatch(context, {
    namespace: `${db}.${collection}`,
    documents: documentsOf(context, searchOf(context)),
    limit: given.positiveCount('limit'),
    batchSize,
    isSingleBatch: given.flag('singleBatch'),
  });
}

/** The search that a find command asks for; undefined if there is no such collection. */
export function searchOf(context: Context): Search | undefined {
  const { arguments: given, db, collection } = context;
  given.refuseCollation();
  given.refuse('min', 'max', 'returnKey', 'showRecordId');
  if (given.flag('tailable'))
    throw new ServerError(CODES.BadValue, 'error processing query: tailable cursor requested on non capped collection');
  const { hint } = given.fields;
  const isLimited = given.positiveCount('limit') !== undefined;
  return context.search(db, collection, {
    filter: given.document('filter') ?? {},
    sort: given.document('sort'),
    hint: hintOf(hint),
    isLimited,
  });
}

export function hintOf(hint: unknown): unknown {
  return typeof hint === 'object' && hint !== null && Object.keys(hint).length === 0 ? undefined : hint;
}

function documentsOf(context: Context, search: Search | undefined): Iterable<Document> {
  const { arguments: given, variables } = context;
  const fields = given.document('projection');
  const project = fields && Object.keys(fields).length > 0 ? compileProjection(fields, variables) : undefined;
  return search ? projected(skipping(search.results(), given.count('skip') ?? 0), project) : [];
}

function* projected(
  found: Iterable<{ readonly document: Document }>,
  project: ((document: Document) => Document) | undefined,
): Generator<Document, void> {
  for (const { document } of found) yield project ? project(document) : document;
}
