import type { Document } from 'bson';
import { CODES, ServerError } from '../../server-error.js';
import type { Collection } from '../../store/collection.js';
import type { Ending } from '../../store/ending.js';
import type { Search } from '../../store/search.js';
import type { Steps } from '../../store/steps.js';
import type { StoredRecord } from '../../store/stored-record.js';
import { compileUpdate, upsertSeed } from '../../update/update.js';
import type { CompiledUpdate } from '../../update/update.js';
import { keyOf } from '../../values/key.js';
import type { Context } from '../context.js';
import { checkId, checkSize, withId, withTimestamps } from './stored-form.js';
import { collectionToInsertInto } from './target.js';
import type { Target } from './target.js';

export interface UpdateStatement {
  readonly filter: Document;
  /** Operators, a replacement, or a pipeline. */
  readonly update: Document | Document[];
  readonly isMulti: boolean;
  readonly isUpsert: boolean;
  readonly sort: Document | undefined;
  readonly hint: unknown;
  readonly arrayFilters: readonly Document[] | undefined;
}

export interface UpdateResult {
  readonly matched: number;
  readonly modified: number;
  readonly upserted?: { readonly _id: unknown };
  /** Of the last document that was matched. */
  readonly before?: Document;
  readonly after?: Document;
}

interface Work {
  readonly statement: UpdateStatement;
  readonly context: Context;
  readonly target: Target;
  readonly compiled: CompiledUpdate;
  readonly isPositional: boolean;
}

interface Change {
  readonly collection: Collection;
  readonly record: StoredRecord;
  readonly before: Document;
  readonly after: Document;
}

const TOO_LARGE = 17419;
const TOO_LARGE_UPSERT = 17420;

/**
 * Updates the first match or all of them. A document that an open transaction has written is looked at again once that has ended: it may not
 * match any more, or a new one may.
 *
 * @throws ServerError 112 inside a transaction; whatever filter or update fail with
 */
export function updateDocuments(context: Context, target: Target, statement: UpdateStatement): Steps<UpdateResult> {
  const { update, arrayFilters, isMulti, sort } = statement;
  const compiled = compileUpdate(update, { ...(arrayFilters ? { arrayFilters } : {}), variables: context.variables });
  if (isMulti && compiled.replacement) failedToParse('multi update is not supported for replacement-style update');
  if (isMulti && sort) failedToParse('Cannot specify sort with multi=true');
  const work = { statement, context, target, compiled, isPositional: isPositional(update) };
  return isMulti ? updateMany(work) : updateOne(work);
}

function* updateOne(work: Work): Steps<UpdateResult> {
  for (;;) {
    const { collection, search } = look(work);
    const found = search?.first();
    if (!found) {
      if (!work.statement.isUpsert) return { matched: 0, modified: 0 };
      const inserted = yield* upsert(work);
      if (inserted) return inserted;
      continue;
    }
    const { record, document: before } = found;
    const after = updated(work, before, search!);
    if (after === before) return { matched: 1, modified: 0, before, after };
    const obstacle = write(work, { collection: collection!, record, before, after });
    if (!obstacle) return { matched: 1, modified: 1, before, after };
    yield obstacle;
  }
}

function* updateMany(work: Work): Steps<UpdateResult> {
  const { collection, search } = look(work);
  let [matched, modified] = [0, 0];
  for (const { record } of search ? [...search.results()] : []) {
    for (;;) {
      const before = search!.recheck(record);
      if (!before) break;
      const after = updated(work, before, search!);
      const obstacle = after === before ? undefined : write(work, { collection: collection!, record, before, after });
      if (obstacle) {
        yield obstacle;
        continue;
      }
      matched++;
      if (after !== before) modified++;
      break;
    }
  }
  if (matched > 0 || !work.statement.isUpsert) return { matched, modified };
  return (yield* upsert(work)) ?? (yield* updateMany(work));
}

/** @returns undefined if it had to wait: there may be a match now */
function* upsert({ context, target, statement, compiled }: Work): Steps<UpdateResult | undefined> {
  const { store, access, surroundings } = context;
  const created = withId(compiled.apply(upsertSeed(statement.filter), true));
  const after = compiled.replacement ? withTimestamps(created, store.clusterTime) : created;
  checkId(after);
  checkSize(after, TOO_LARGE_UPSERT);
  const collection = yield* collectionToInsertInto(context, target);
  const key = keyOf(after._id);
  const known = collection.recordByKey(key);
  const obstacle = surroundings.leave.obstacleAtKeys(collection, known, { before: undefined, after }, access);
  if (obstacle) {
    yield obstacle;
    return undefined;
  }
  const record = known ?? collection.recordFor(key);
  store.write({ kind: 'insert', collection, record, before: undefined, after }, access);
  return { matched: 0, modified: 0, upserted: { _id: after._id as unknown }, after };
}

function look({ context, target, statement }: Work): { readonly collection?: Collection; readonly search?: Search } {
  const { db, name } = target;
  const { filter, sort, hint, isMulti } = statement;
  const search = context.search(db, name, { filter, sort, hint, isLimited: !isMulti });
  return search ? { collection: context.store.catalogue.get(db, name)!, search } : {};
}

function updated({ compiled, isPositional, context }: Work, before: Document, { filter }: Search): Document {
  const after = compiled.apply(before, false, isPositional ? filter.arrayIndex(before) : undefined);
  if (after === before) return before;
  checkSize(after, TOO_LARGE);
  return compiled.replacement ? withTimestamps(after, context.store.clusterTime) : after;
}

/** @returns what is in the way; undefined if it is written */
function write({ context, compiled }: Work, { collection, record, before, after }: Change): Ending | undefined {
  const { leave } = context.surroundings;
  const obstacle = leave.obstacleAt(record, context.access) ?? leave.obstacleAtKeys(collection, record, { before, after }, context.access);
  if (obstacle) return obstacle;
  const kind = compiled.replacement ? 'replace' : 'update';
  context.store.write({ kind, collection, record, before, after }, context.access);
  return undefined;
}

/** Whether a path has the place `$` in it: finding out what it stands for costs a second look at the document. */
function isPositional(update: Document | Document[]): boolean {
  if (Array.isArray(update)) return false;
  return Object.values(update).some(
    (fields: unknown) => typeof fields === 'object' && fields !== null && Object.keys(fields).some((path) => /\.\$(\.|$)/.test(path)),
  );
}

function failedToParse(message: string): never {
  throw new ServerError(CODES.FailedToParse, message);
}
