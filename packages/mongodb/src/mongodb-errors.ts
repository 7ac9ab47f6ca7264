import { DatabaseUnavailableError, SchemaMismatchError, TransactionConflictError } from '@waybill/core';

const CONFLICTS = new Set([112, 24, 246, 239]); // write conflict, lock timeout, snapshot unavailable, snapshot too old
const NO_SUCH_TRANSACTION = 251;
// Host unreachable, host not found, network timeout, shutdown in progress, primary stepped down, exceeded time limit, socket error, not
// (the) primary, interrupted at shutdown, interrupted by a change of state, read concern majority not available yet, request rate limited.
const UNAVAILABLE = new Set([6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436, 134, 10058, 50, 462]);
const OPEN_AT_COMMIT = new Set([64, 79, 11601]); // write concern failed, unknown replication, interrupted
const ONLY_ON_REPLICA_SETS = 20; // "Transaction numbers are only allowed on a replica set member or mongos"
const DRIVER_ERRORS =
  /^Mongo(Network|NetworkTimeout|ServerSelection|ServerClosed|PoolCleared|PoolClosed|TopologyClosed|ClientClosed|NotConnected|StalePrimary|WaitQueueTimeout|ConnectionPoolClosed|OperationTimeout)\w*Error$/;

/** What the driver's errors have in common. By shape, not by class: an application may have two copies of the driver. */
interface DriverError extends Error {
  readonly code?: number | string;
  /** What a bulk write's error was made of: the server's answer, or an error of the connection. */
  readonly errorResponse?: unknown;
  hasErrorLabel?(label: string): boolean;
}

export const hasLabel = (error: unknown, label: string): boolean =>
  error instanceof Error && (error as DriverError).hasErrorLabel?.(label) === true;

export const codeOf = (error: unknown): number | undefined => {
  const code = (error as DriverError | undefined)?.code;
  return typeof code === 'number' ? code : undefined;
};

/**
 * Errors of MongoDB and its driver in Waybill's words; everything else is passed through unchanged.
 *
 * Only for errors that have left `withTransaction`: inside it the driver must see its own, for it reads no `cause`.
 */
export function translate(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = codeOf(error);
  if (code === ONLY_ON_REPLICA_SETS && /replica set|transaction numbers/i.test(error.message)) return standAlone(error);
  if (isUnavailable(error)) return new DatabaseUnavailableError(error.message, { cause: error });
  if (code === NO_SUCH_TRANSACTION || (code !== undefined && CONFLICTS.has(code)) || hasLabel(error, 'TransientTransactionError')) {
    return new TransactionConflictError(error.message, { cause: error });
  }
  return error;
}

export function standAlone(cause?: unknown): SchemaMismatchError {
  return new SchemaMismatchError(
    'This MongoDB is a stand-alone server, and only replica sets and sharded clusters have transactions: without them outbox and projections ' +
      'could not be committed together. For development start it as a replica set of one: mongod --replSet rs0, then rs.initiate() once.',
    { cause },
  );
}

/** True when the server was not there, or not able to answer. */
export function isUnavailable(error: Error): boolean {
  const { errorResponse } = error as DriverError;
  if (errorResponse instanceof Error && errorResponse !== error) return isUnavailable(errorResponse);
  const code = codeOf(error);
  // A connection that breaks just before a write gets no class of the driver.
  if ((error as DriverError).code === 'ECONNRESET' || (error as DriverError).code === 'EPIPE') return true;
  return DRIVER_ERRORS.test(error.name) || hasLabel(error, 'SystemOverloadedError') || (code !== undefined && UNAVAILABLE.has(code));
}

/** True when an error of `commitTransaction` leaves open what became of the transaction: all but a server's definite word do. */
export function leavesCommitOpen(error: unknown): boolean {
  const code = codeOf(error);
  return code === undefined || hasLabel(error, 'UnknownTransactionCommitResult') || UNAVAILABLE.has(code) || OPEN_AT_COMMIT.has(code);
}
