import type { Document } from 'bson';
import { runPipeline } from '../aggregation/pipeline.js';
import type { Source } from '../aggregation/pipeline.js';
import { CODES, ServerError } from '../server-error.js';
import { toNumber } from '../values/number.js';
import { Arguments } from './arguments.js';
import type { Context } from './context.js';
import { firstBatch, ownerOf } from './first-batch.js';
import { hintOf } from './find.js';

/** The part of a pipeline that a search can do. */
interface Leading {
  readonly filter: Document;
  readonly sort: Document | undefined;
  readonly limit: number | undefined;
  readonly rest: readonly Document[];
}

export function aggregate(context: Context): Document | Promise<Document> {
  const { arguments: given, db } = context;
  const pipeline = given.requiredDocuments('pipeline');
  given.refuseCollation();
  if (given.flag('explain')) given.refuse('explain');
  const options = given.document('cursor');
  if (!options)
    throw new ServerError(CODES.FailedToParse, "The 'cursor' option is required, except for aggregate with the explain argument");
  const batchSize = new Arguments('aggregate', options).count('batchSize');
  if (pipeline[0]?.$changeStream !== undefined) return openChanges(context, pipeline, batchSize);
  const name = collectionOf(context);
  return firstBatch(context, { namespace: `${db}.${name ?? '$cmd.aggregate'}`, documents: run(context, name, pipeline), batchSize });
}

function run(context: Context, name: string | undefined, pipeline: readonly Document[]): Iterable<Document> {
  const { db, arguments: given, variables } = context;
  const source = sourceOf(context);
  if (name === undefined) return runPipeline(pipeline, [], source, variables);
  const { filter, sort, limit, rest } = leadingOf(pipeline);
  const search = context.search(db, name, { filter, sort, hint: hintOf(given.fields.hint), isLimited: limit !== undefined });
  return runPipeline(rest, documentsOf(search?.results(), limit), source, variables);
}

function sourceOf(context: Context): Source {
  const { db } = context;
  const find = (name: string, filter: Document, sort?: Document, limit?: number): Iterable<Document> =>
    documentsOf(context.search(db, name, { filter, sort, isLimited: limit !== undefined })?.results(), limit);
  return { collection: (name) => find(name, {}), find };
}

function* documentsOf(
  found: Iterable<{ readonly document: Document }> | undefined,
  limit = Number.POSITIVE_INFINITY,
): Generator<Document, void> {
  if (!found || limit <= 0) return;
  let left = limit;
  for (const { document } of found) {
    yield document;
    if (--left <= 0) return;
  }
}

/** The leading `$match`, `$sort` and `$limit`, in this order, as far as they are there. */
function leadingOf(pipeline: readonly Document[]): Leading {
  let at = 0;
  const matches: Document[] = [];
  for (; isStage(pipeline[at], '$match'); at++) matches.push(pipeline[at]!.$match as Document);
  const sort = isStage(pipeline[at], '$sort') ? (pipeline[at++]!.$sort as Document) : undefined;
  const limit = isStage(pipeline[at], '$limit') ? toNumber(pipeline[at]!.$limit) : undefined;
  // The pipeline sees $limit again: it knows which limits are wrong.
  const isSound = limit === undefined || (Number.isInteger(limit) && limit > 0);
  return { filter: joined(matches), sort, limit: isSound ? limit : undefined, rest: pipeline.slice(at) };
}

function isStage(stage: Document | undefined, name: string): boolean {
  const content = stage?.[name] as unknown;
  return (
    stage !== undefined &&
    Object.keys(stage).length === 1 &&
    content !== undefined &&
    (name === '$limit' || (typeof content === 'object' && content !== null))
  );
}

function joined(filters: readonly Document[]): Document {
  return filters.length > 1 ? { $and: filters } : (filters[0] ?? {});
}

async function openChanges(context: Context, pipeline: readonly Document[], batchSize = Number.MAX_SAFE_INTEGER): Promise<Document> {
  const { surroundings, standing, invocation, db } = context;
  if (standing.transaction) {
    throw new ServerError(
      CODES.OperationNotSupportedInTransaction,
      'Stage not supported inside of a multi-document transaction: $changeStream',
    );
  }
  const { changeStreams, cursors } = surroundings;
  if (!changeStreams) throw new ServerError(40573, 'The $changeStream stage is only supported on replica sets');
  const collection = collectionOf(context);
  const [first, ...rest] = pipeline;
  const spec = first!.$changeStream as Document;
  const cursor = changeStreams.open({ spec, pipeline: rest, db, ...(collection === undefined ? {} : { collection }), batchSize });
  const namespace = `${db}.${collection ?? '$cmd.aggregate'}`;
  const { documents, postBatchResumeToken } = await cursor.next(batchSize, 0, invocation.signal);
  const id = cursors.addChanges(cursor, namespace, ownerOf(context));
  return { cursor: { firstBatch: documents, id, ns: namespace, postBatchResumeToken } };
}

/** Undefined for `aggregate: 1`: about the database itself. */
function collectionOf({ invocation }: Context): string | undefined {
  const name = invocation.body.aggregate as unknown;
  if (typeof name === 'string') return name;
  if (toNumber(name) === 1) return undefined;
  throw new ServerError(CODES.FailedToParse, "Invalid command format: the 'aggregate' field must specify a collection name or 1");
}
