import { WaybillError } from './waybill-error.js';

/** The database could not be reached, or ended the connection. Nothing was committed. */
export class DatabaseUnavailableError extends WaybillError {
  readonly code = 'DATABASE_UNAVAILABLE';

  constructor(detail: string, options?: ErrorOptions) {
    super(`The database is not available: ${detail}. Nothing was committed; it is safe to repeat.`, options);
  }
}

/** Waybill's tables or collections are missing, older than the code, or laid out for other options. */
export class SchemaMismatchError extends WaybillError {
  readonly code = 'SCHEMA_MISMATCH';
}

/** The database is not the one that the outbox was made in, or has gone back in time: checkpoints would mean something else here. */
export class DatabaseReplacedError extends WaybillError {
  readonly code = 'DATABASE_REPLACED';

  constructor(found: string) {
    super(
      `This outbox was restored or copied from elsewhere: ${found}. Its checkpoints would take new messages for delivered, or old ones for new, so nothing is started. ` +
        'If this is a copy beside the original, do not dispatch from it. If it replaces the original, run database.adopt() once; "Before you restore a database" in the docs tells what it does.',
    );
  }
}

/** The witness knows less of the outbox than it must have been told: it is another one, or has lost its data. */
export class WitnessBehindError extends WaybillError {
  readonly code = 'WITNESS_BEHIND';

  constructor(
    readonly mark: bigint,
    readonly seen: bigint | undefined,
  ) {
    super(
      `The outbox's last mark is number ${mark}, and the witness knows ${seen === undefined ? 'none of them' : `only those up to ${seen}`}. ` +
        'Is it the right one? If it was restored to an older state, what was delivered to the same server since then is lost there. Nothing is delivered meanwhile. ' +
        'Connect the right witness; or, to begin anew with this one, run database.adopt() once.',
    );
  }
}

/** The witness could not be asked whether this database was restored or copied. */
export class WitnessUnavailableError extends WaybillError {
  readonly code = 'WITNESS_UNAVAILABLE';

  constructor(detail: string, options?: ErrorOptions) {
    super(
      `The witness cannot be asked whether this database was restored or copied: ${detail}. A dispatcher does not start without its answer; one that runs goes on and asks again.`,
      options,
    );
  }
}

/** The number of lanes cannot change now. */
export class LanesInUseError extends WaybillError {
  readonly code = 'LANES_IN_USE';

  constructor(found: string, advice: string) {
    super(`The number of lanes was not changed: ${found}. ${advice}`);
  }
}
