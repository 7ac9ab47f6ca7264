import { place } from './place.js';
import { WaybillError } from './waybill-error.js';

/** The stream is not where the commit expected it: somebody else committed first. Nothing was written. */
export class ConcurrencyError extends WaybillError {
  readonly code = 'CONCURRENCY';

  constructor(
    readonly stream: string,
    /** `undefined`: the stream was expected not to exist. */
    readonly expectedRevision: bigint | undefined,
    /** `undefined`: the stream does not exist, or the database did not say. */
    readonly actualRevision: bigint | undefined,
    options?: ErrorOptions,
  ) {
    super(
      `Stream "${stream}" was expected at ${place(expectedRevision)} but is at ${place(actualRevision)}. ` +
        'Nothing was committed: load the aggregate again and repeat, or pass { retryOnConflict }.',
      options,
    );
  }
}

/** The database refused the transaction because of another one (deadlock, serialization). Nothing was written. */
export class TransactionConflictError extends WaybillError {
  readonly code = 'TRANSACTION_CONFLICT';

  constructor(detail: string, options?: ErrorOptions) {
    super(
      `The database gave up this transaction in favour of another one: ${detail}. Nothing was committed; it is safe to repeat.`,
      options,
    );
  }
}

/** The database had given up the transaction when it was asked to commit: an error of a statement in it was caught and ignored. */
export class TransactionRolledBackError extends WaybillError {
  readonly code = 'TRANSACTION_ROLLED_BACK';

  constructor(options?: ErrorOptions) {
    super(
      'The transaction was rolled back instead of committed: a statement in it had failed, and the error was swallowed. Nothing was committed. ' +
        'Let errors of statements pass. On PostgreSQL, put a statement that may fail behind a savepoint; on MongoDB, where any failed operation ends the transaction, look first, or upsert.',
      options,
    );
  }
}

/** A unit of work's scope was used after its work had ended: a promise in it was not awaited. */
export class ScopeClosedError extends WaybillError {
  readonly code = 'SCOPE_CLOSED';

  constructor(act: string) {
    super(`${act}() was called after the unit of work had ended. Await everything that the work starts.`);
  }
}

/** The answer to `commit` was lost, and the database could not tell later what became of it. */
export class CommitOutcomeUnknownError extends WaybillError {
  readonly code = 'COMMIT_OUTCOME_UNKNOWN';

  constructor(
    readonly transactionId: string | undefined,
    options?: ErrorOptions,
  ) {
    super(
      `The connection was lost while committing${transactionId === undefined ? '' : ` transaction ${transactionId}`}, and its outcome could not be found out. ` +
        'It may or may not be committed: repeat it only with an idempotencyKey, or look first.',
      options,
    );
  }
}
