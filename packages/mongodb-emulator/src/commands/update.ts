import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import type { Steps } from '../store/steps.js';
import { Arguments } from './arguments.js';
import type { Context } from './context.js';
import { hintOf } from './find.js';
import { executeStatements, writeErrorsOf } from './statements/statement-batch.js';
import { updateDocuments } from './statements/update-documents.js';
import type { UpdateStatement } from './statements/update-documents.js';

export function* update(context: Context): Steps<Document> {
  const { arguments: given, db, collection: name, standing } = context;
  const { outcomes, retriedStmtIds } = yield* executeStatements(context, {
    statements: given.requiredDocuments('updates').map((statement) => statementOf(new Arguments('update.updates', statement))),
    isOrdered: given.flag('ordered', true),
    execute(statement) {
      if (standing.statements && statement.isMulti) refuseRetryableMulti('multi=true');
      return updateDocuments(context, { db, name }, statement);
    },
    hasWritten: ({ modified, upserted }) => modified > 0 || upserted !== undefined,
  });
  let [n, nModified] = [0, 0];
  const upserted: Document[] = [];
  for (const outcome of outcomes) {
    if ('error' in outcome) continue;
    const { result, at } = outcome;
    n += result.matched;
    nModified += result.modified;
    if (!result.upserted) continue;
    n++;
    upserted.push({ index: at, _id: result.upserted._id });
  }
  return {
    n,
    ...(upserted.length > 0 ? { upserted } : {}),
    nModified,
    ...writeErrorsOf(outcomes),
    ...(retriedStmtIds.length > 0 ? { retriedStmtIds } : {}),
  };
}

/** @throws ServerError 72 */
export function refuseRetryableMulti(option: string): never {
  throw new ServerError(CODES.InvalidOptions, `Cannot use (or request) retryable writes with ${option}`);
}

/** An update as its operators, its replacement, or its pipeline. */
export function updateOf(given: Arguments, name: string): Document | Document[] {
  const value = given.fields[name] as unknown;
  if (Array.isArray(value)) return [...given.requiredDocuments(name)];
  return given.required(name);
}

function statementOf(given: Arguments): UpdateStatement {
  given.refuseCollation();
  return {
    filter: given.required('q'),
    update: updateOf(given, 'u'),
    isMulti: given.flag('multi'),
    isUpsert: given.flag('upsert'),
    sort: given.document('sort'),
    hint: hintOf(given.fields.hint),
    arrayFilters: given.documents('arrayFilters'),
  };
}
