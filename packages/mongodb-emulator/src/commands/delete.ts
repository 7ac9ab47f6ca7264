import type { Document } from 'bson';
import type { Steps } from '../store/steps.js';
import { Arguments } from './arguments.js';
import type { Context } from './context.js';
import { hintOf } from './find.js';
import { deleteDocuments } from './statements/delete-documents.js';
import type { DeleteStatement } from './statements/delete-documents.js';
import { executeStatements, writeErrorsOf } from './statements/statement-batch.js';
import { refuseRetryableMulti } from './update.js';

export function* deleteCommand(context: Context): Steps<Document> {
  const { arguments: given, db, standing } = context;
  const name = given.requiredString('delete');
  const { outcomes, retriedStmtIds } = yield* executeStatements(context, {
    statements: given.requiredDocuments('deletes').map((statement) => statementOf(new Arguments('delete.deletes', statement))),
    isOrdered: given.flag('ordered', true),
    execute(statement) {
      if (standing.statements && statement.isMulti) refuseRetryableMulti('limit=0');
      return deleteDocuments(context, { db, name }, statement);
    },
    hasWritten: ({ deleted }) => deleted > 0,
  });
  const n = outcomes.reduce((sum, outcome) => sum + ('result' in outcome ? outcome.result.deleted : 0), 0);
  return { n, ...writeErrorsOf(outcomes), ...(retriedStmtIds.length > 0 ? { retriedStmtIds } : {}) };
}

function statementOf(given: Arguments): DeleteStatement {
  given.refuseCollation();
  return {
    filter: given.required('q'),
    isMulti: given.count('limit') !== 1,
    sort: undefined,
    hint: hintOf(given.fields.hint),
  };
}
