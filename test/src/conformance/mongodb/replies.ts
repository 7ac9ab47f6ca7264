import type { Document } from 'bson';

/** What a client can decide by when a command fails. */
export interface Failure {
  readonly code: number;
  readonly codeName: string;
  readonly labels: readonly string[];
}

const TRANSIENT = 'TransientTransactionError';

export const WRITE_CONFLICT: Failure = { code: 112, codeName: 'WriteConflict', labels: [TRANSIENT] };
export const NO_SUCH_TRANSACTION: Failure = { code: 251, codeName: 'NoSuchTransaction', labels: [TRANSIENT] };
export const TRANSACTION_COMMITTED: Failure = { code: 256, codeName: 'TransactionCommitted', labels: [] };
export const TRANSACTION_TOO_OLD: Failure = { code: 225, codeName: 'TransactionTooOld', labels: [] };
export const CONFLICTING_OPERATION: Failure = { code: 117, codeName: 'ConflictingOperationInProgress', labels: [] };
export const INCOMPLETE_HISTORY: Failure = { code: 217, codeName: 'IncompleteTransactionHistory', labels: [] };
export const NOT_IN_TRANSACTION: Failure = { code: 263, codeName: 'OperationNotSupportedInTransaction', labels: [] };
export const INVALID_OPTIONS: Failure = { code: 72, codeName: 'InvalidOptions', labels: [] };
export const OUT_OF_TIME: Failure = { code: 50, codeName: 'MaxTimeMSExpired', labels: [] };

/** The failure that a reply tells of; fails when the command did not. */
export function failureOf(reply: Document): Failure {
  if (reply['ok'] !== 0) throw new Error(`The command did not fail: ${shown(reply)}`);
  if (typeof reply['errmsg'] !== 'string' || reply['errmsg'] === '') throw new Error(`A failure says nothing: ${shown(reply)}`);
  return { code: reply['code'] as number, codeName: reply['codeName'] as string, labels: (reply['errorLabels'] ?? []) as string[] };
}

/** The reply itself, when everything in it went well. */
export function succeeded(reply: Document): Document {
  if (reply['ok'] !== 1 || reply['writeErrors'] || reply['nErrors'] || reply['writeConcernError']) {
    throw new Error(`The command failed: ${shown(reply)}`);
  }
  return reply;
}

/** The single entry of `writeErrors` in a reply that is `ok` otherwise and carries no label. */
export function writeErrorOf(reply: Document): Document {
  const errors = reply['writeErrors'] as Document[] | undefined;
  if (reply['ok'] !== 1 || errors?.length !== 1 || reply['errorLabels']) throw new Error(`Not one write error: ${shown(reply)}`);
  return errors[0]!;
}

/** The documents of a first or a next batch. */
export function documentsOf(reply: Document): Document[] {
  const { firstBatch, nextBatch } = succeeded(reply)['cursor'] as { firstBatch?: Document[]; nextBatch?: Document[] };
  return firstBatch ?? nextBatch!;
}

export function cursorIdOf(reply: Document): bigint {
  return (succeeded(reply)['cursor'] as { id: bigint }).id;
}

function shown(reply: Document): string {
  return JSON.stringify(reply, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}
