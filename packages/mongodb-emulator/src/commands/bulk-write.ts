import { Double } from 'bson';
import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import type { Steps } from '../store/steps.js';
import { toNumber } from '../values/number.js';
import { Arguments } from './arguments.js';
import type { Context } from './context.js';
import { firstBatch } from './first-batch.js';
import { hintOf } from './find.js';
import { deleteDocuments } from './statements/delete-documents.js';
import { insertOne } from './statements/insert-one.js';
import { executeStatements } from './statements/statement-batch.js';
import type { Outcome } from './statements/statement-batch.js';
import type { Target } from './statements/target.js';
import { updateDocuments } from './statements/update-documents.js';
import { refuseRetryableMulti, updateOf } from './update.js';

interface Tally {
  readonly inserted: number;
  readonly matched: number;
  readonly modified: number;
  readonly deleted: number;
  readonly isUpdate: boolean;
  readonly upserted?: { readonly _id: unknown };
}

const NOTHING = { inserted: 0, matched: 0, modified: 0, deleted: 0, isUpdate: false };

/** Writes to several collections, of several databases too, in one command. */
export function* bulkWrite(context: Context): Steps<Document> {
  const { arguments: given, db } = context;
  if (db !== 'admin') throw new ServerError(CODES.Unauthorized, 'bulkWrite may only be run against the admin database.');
  const namespaces = given.requiredDocuments('nsInfo').map(({ ns }) => targetOf(ns));
  const operations = given.requiredDocuments('ops');
  checkNamespaces(operations, namespaces.length);
  const { outcomes, retriedStmtIds } = yield* executeStatements(context, {
    statements: operations,
    isOrdered: given.flag('ordered', true),
    execute: (operation) => execute(context, new Arguments('bulkWrite.ops', operation), namespaces),
    hasWritten: ({ inserted, modified, deleted, upserted }) => inserted + modified + deleted > 0 || upserted !== undefined,
  });
  const errorsOnly = given.flag('errorsOnly');
  const replies = outcomes.filter((outcome) => !errorsOnly || 'error' in outcome).map(replyOf);
  const options = given.document('cursor');
  const batchSize = options && new Arguments('bulkWrite', options).count('batchSize');
  return {
    ...firstBatch(context, { namespace: 'admin.$cmd.bulkWrite', documents: replies, batchSize: batchSize ?? replies.length + 1 }),
    ...totals(outcomes),
    ...(retriedStmtIds.length > 0 ? { retriedStmtIds } : {}),
  };
}

function* execute(context: Context, operation: Arguments, namespaces: readonly Target[]): Steps<Tally> {
  operation.refuseCollation();
  const [kind] = Object.keys(operation.fields);
  const target = namespaces[toNumber(operation.fields[kind!])]!;
  const isMulti = operation.flag('multi');
  if (isMulti && context.standing.statements) refuseRetryableMulti('multi=true');
  const query = { isMulti, sort: operation.document('sort'), hint: hintOf(operation.fields.hint) };
  switch (kind) {
    case 'insert':
      yield* insertOne(context, target, operation.required('document'));
      return { ...NOTHING, inserted: 1 };
    case 'update': {
      const result = yield* updateDocuments(context, target, {
        ...query,
        filter: operation.required('filter'),
        update: updateOf(operation, 'updateMods'),
        isUpsert: operation.flag('upsert'),
        arrayFilters: operation.documents('arrayFilters'),
      });
      const { matched, modified, upserted } = result;
      return { ...NOTHING, matched, modified, isUpdate: true, ...(upserted ? { upserted } : {}) };
    }
    case 'delete':
      return { ...NOTHING, deleted: (yield* deleteDocuments(context, target, { ...query, filter: operation.required('filter') })).deleted };
    default:
      throw new ServerError(CODES.FailedToParse, `Unrecognized bulkWrite operation '${kind}'`);
  }
}

function replyOf(outcome: Outcome<Tally>): Document {
  const { at: idx } = outcome;
  if ('error' in outcome) {
    const { code, message, extra } = outcome.error;
    return { ok: new Double(0), idx, code, errmsg: message, n: 0, ...extra };
  }
  const { inserted, matched, modified, deleted, isUpdate, upserted } = outcome.result;
  const n = inserted + matched + deleted + (upserted ? 1 : 0);
  return { ok: new Double(1), idx, n, ...(isUpdate ? { nModified: modified } : {}), ...(upserted ? { upserted } : {}) };
}

function totals(outcomes: readonly Outcome<Tally>[]): Document {
  const totals = { nErrors: 0, nInserted: 0, nMatched: 0, nModified: 0, nUpserted: 0, nDeleted: 0 };
  for (const outcome of outcomes) {
    if ('error' in outcome) {
      totals.nErrors++;
      continue;
    }
    const { inserted, matched, modified, deleted, upserted } = outcome.result;
    totals.nInserted += inserted;
    totals.nMatched += matched;
    totals.nModified += modified;
    totals.nUpserted += upserted ? 1 : 0;
    totals.nDeleted += deleted;
  }
  return totals;
}

/** Before anything is written: a wrong index is the whole command's mistake. */
function checkNamespaces(operations: readonly Document[], count: number): void {
  for (const [at, operation] of operations.entries()) {
    const index = toNumber(Object.values(operation)[0]);
    if (!(index >= 0 && index < count)) throw new ServerError(CODES.BadValue, `BulkWrite ops entry ${at} has an invalid nsInfo index.`);
  }
}

function targetOf(namespace: unknown): Target {
  const text = String(namespace);
  const dot = text.indexOf('.');
  if (typeof namespace === 'string' && dot > 0) return { db: text.slice(0, dot), name: text.slice(dot + 1) };
  throw new ServerError(CODES.InvalidNamespace, `Invalid namespace specified '${text}'`);
}
