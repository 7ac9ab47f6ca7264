import type { Document } from 'bson';
import type { Steps } from '../store/steps.js';
import type { Context } from './context.js';
import { insertOne } from './statements/insert-one.js';
import { executeStatements, writeErrorsOf } from './statements/statement-batch.js';

export function* insert(context: Context): Steps<Document> {
  const { arguments: given, db, collection: name } = context;
  const { outcomes, retriedStmtIds } = yield* executeStatements(context, {
    statements: given.requiredDocuments('documents'),
    isOrdered: given.flag('ordered', true),
    *execute(document) {
      yield* insertOne(context, { db, name }, document);
      return true;
    },
    hasWritten: () => true,
  });
  const n = outcomes.filter((outcome) => 'result' in outcome).length;
  return { n, ...writeErrorsOf(outcomes), ...(retriedStmtIds.length > 0 ? { retriedStmtIds } : {}) };
}
