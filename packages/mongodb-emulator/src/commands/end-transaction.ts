import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import type { Transaction } from '../transactions/transaction.js';
import type { Context } from './context.js';

/** A commit that comes again is answered once more. */
export function commitTransaction(context: Context): Document {
  transactionOf(context).commit();
  return {};
}

export function abortTransaction(context: Context): Document {
  const transaction = transactionOf(context);
  transaction.checkOpen();
  transaction.abort();
  return {};
}

function transactionOf({ standing, invocation }: Context): Transaction {
  if (standing.transaction) return standing.transaction;
  throw new ServerError(CODES.InvalidOptions, `${invocation.name} must be run within a transaction`);
}
