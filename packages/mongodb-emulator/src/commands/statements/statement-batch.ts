import { Int32 } from 'bson';
import type { Document } from 'bson';
import { CODES, ServerError } from '../../server-error.js';
import type { Steps } from '../../store/steps.js';
import { toNumber } from '../../values/number.js';
import type { Context } from '../context.js';

/** What became of a statement. */
export type Outcome<Result> = { readonly at: number; readonly result: Result } | { readonly at: number; readonly error: ServerError };

export interface Statements<Statement, Result> {
  readonly statements: readonly Statement[];
  readonly isOrdered: boolean;
  readonly execute: (statement: Statement) => Steps<Result>;
  /** Only what has changed something is recorded for retries. */
  readonly hasWritten: (result: Result) => boolean;
}

export interface BatchOutcome<Result> {
  /** In order, without those that were not tried any more. */
  readonly outcomes: readonly Outcome<Result>[];
  /** The statements that were answered from the record. */
  readonly retriedStmtIds: readonly Int32[];
}

const MOST_STATEMENTS = 100_000;

/**
 * Executes the statements of a write command one after the other. One that fails ends the batch if it is ordered. Inside a transaction it
 * always does, and aborts the transaction; a conflict there fails the command as a whole.
 */
export function* executeStatements<Statement, Result>(
  context: Context,
  { statements, isOrdered, execute, hasWritten }: Statements<Statement, Result>,
): Steps<BatchOutcome<Result>> {
  const { statements: records, transaction } = context.standing;
  const { clusterTime } = context.store;
  checkCount(statements.length);
  const outcomes: Outcome<Result>[] = [];
  const retriedStmtIds: Int32[] = [];
  for (let at = 0; at < statements.length; at++) {
    const id = records ? statementId(context, at) : at;
    const recorded = records?.resultOf(id) as Result | undefined;
    if (recorded !== undefined) {
      retriedStmtIds.push(new Int32(id));
      outcomes.push({ at, result: recorded });
      continue;
    }
    try {
      const result = yield* execute(statements[at]!);
      if (records && hasWritten(result)) records.record(id, result, clusterTime.tick);
      outcomes.push({ at, result });
    } catch (error) {
      if (!(error instanceof ServerError) || (transaction && error.code === CODES.WriteConflict)) throw error;
      transaction?.abort();
      outcomes.push({ at, error });
      if (isOrdered || transaction) break;
    }
  }
  return { outcomes, retriedStmtIds };
}

/** The statement's number within its transaction number: by its place, unless the command says otherwise. */
export function statementId({ arguments: given }: Context, at: number): number {
  const { stmtIds, stmtId } = given.fields;
  if (Array.isArray(stmtIds)) return toNumber(stmtIds[at]);
  return stmtId === undefined ? at : toNumber(stmtId) + at;
}

/** The failed statements, as an answer lists them. */
export function writeErrorsOf(outcomes: readonly Outcome<unknown>[]): Document {
  const writeErrors = outcomes.flatMap((outcome) => ('error' in outcome ? [writeErrorOf(outcome.at, outcome.error)] : []));
  return writeErrors.length > 0 ? { writeErrors } : {};
}

function writeErrorOf(index: number, { code, message, extra }: ServerError): Document {
  return { index, code, errmsg: message, ...extra };
}

function checkCount(count: number): void {
  if (count > 0 && count <= MOST_STATEMENTS) return;
  throw new ServerError(CODES.InvalidLength, `Write batch sizes must be between 1 and ${MOST_STATEMENTS}. Got ${count} operations.`);
}
