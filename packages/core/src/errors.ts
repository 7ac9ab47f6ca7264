import type { StandardSchemaV1 } from '@standard-schema/spec';

/**
 * Base of every error that Waybill throws on purpose.
 *
 * Branch on {@link WaybillError.code} (or with {@link isWaybillError}), not on `instanceof`: two copies of a package in one
 * `node_modules` have two classes but one code.
 */
export abstract class WaybillError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

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

/** `load` found no such stream. Use `find` where that is not an error. */
export class AggregateNotFoundError extends WaybillError {
  readonly code = 'AGGREGATE_NOT_FOUND';

  constructor(readonly stream: string) {
    super(`Stream "${stream}" does not exist. Create the aggregate and track it, or use find() where a missing one is expected.`);
  }
}

/** Outbox tail and event history do not join up: deciding on a part of the past would be wrong. */
export class StreamGapError extends WaybillError {
  readonly code = 'STREAM_GAP';

  constructor(
    readonly stream: string,
    readonly missingRevision: bigint,
    readonly headRevision: bigint | undefined,
    { outboxAlone = false }: { readonly outboxAlone?: boolean } = {},
  ) {
    super(
      `Stream "${stream}" lacks revision ${missingRevision} (its head is ${place(headRevision)}): ` +
        (outboxAlone
          ? 'the outbox does not have it any more, and there is no other history to load it from. Does a dispatcher remove delivered messages (keepMessagesMs)? Without an event store all of them must be kept.'
          : 'neither the outbox nor the event history has it. Was the stream truncated ($maxCount, $maxAge, $tb), or were outbox rows removed before they were delivered? Without a snapshot behind the gap it cannot be loaded.'),
    );
  }
}

/** Outbox and event history hold different events at one revision: somebody else writes to the stream. */
export class StreamDivergedError extends WaybillError {
  readonly code = 'STREAM_DIVERGED';

  constructor(
    readonly stream: string,
    readonly revision: bigint,
    readonly outboxMessageId: string,
    readonly historyMessageId: string,
  ) {
    super(
      `Stream "${stream}" has message ${outboxMessageId} at revision ${revision} in the outbox, but ${historyMessageId} in the event history. ` +
        'A foreign writer appended there: find it and stop it, then decide which of the two events is right.',
    );
  }
}

/** A message type that the catalogue does not list. */
export class UnknownMessageTypeError extends WaybillError {
  readonly code = 'UNKNOWN_MESSAGE_TYPE';

  constructor(
    readonly type: string,
    readonly stream?: string,
  ) {
    super(
      `Message type "${type}"${stream === undefined ? '' : ` in stream "${stream}"`} is not in the catalogue. Add its definition to \`catalogue\`, or name it in \`formerly\` of its successor.`,
    );
  }
}

/** A payload that its schema refuses, or that cannot be stored. */
export class InvalidPayloadError extends WaybillError {
  readonly code = 'INVALID_PAYLOAD';

  constructor(
    readonly type: string,
    readonly issues: readonly StandardSchemaV1.Issue[],
    options?: ErrorOptions,
  ) {
    super(`Payload of "${type}" is not valid: ${issues.map(issueText).join('; ')}.`, options);
  }
}

/** A payload over the limit that sinks can take. Refused at commit, for in the outbox it would halt its lane. */
export class PayloadTooLargeError extends WaybillError {
  readonly code = 'PAYLOAD_TOO_LARGE';

  constructor(
    readonly type: string,
    readonly stream: string,
    readonly bytes: number,
    readonly limitBytes: number,
  ) {
    super(
      `Payload of "${type}" for stream "${stream}" has ${bytes} bytes; the limit is ${limitBytes} (EventStoreDB takes 1 MiB an append). ` +
        'Store the large part elsewhere and refer to it, or raise `maxPayloadBytes` if every sink of yours takes more.',
    );
  }
}

/** A stream name that is empty, too long, reserved, or holds characters that some store cannot keep. */
export class InvalidStreamNameError extends WaybillError {
  readonly code = 'INVALID_STREAM_NAME';

  constructor(
    readonly stream: string,
    reason: string,
  ) {
    super(`Stream name ${JSON.stringify(stream.slice(0, 80))} ${reason}.`);
  }
}

/** `append` was called without a message, or twice with demands that contradict each other. */
export class InvalidAppendError extends WaybillError {
  readonly code = 'INVALID_APPEND';

  constructor(
    readonly stream: string,
    reason: string,
  ) {
    super(`Append to "${stream}" refused: ${reason}.`);
  }
}

/** Options that cannot work, found before anything started. */
export class InvalidOptionsError extends WaybillError {
  readonly code = 'INVALID_OPTIONS';
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

/** The lane belongs to another dispatcher by now. Nothing was changed. */
export class LeaseLostError extends WaybillError {
  readonly code = 'LEASE_LOST';

  constructor(
    readonly route: string,
    readonly lane: number,
    readonly epoch: bigint,
  ) {
    super(
      `Lane ${route}/${lane} is no longer leased to this dispatcher under epoch ${epoch}; nothing was changed. ` +
        'Was the process suspended, or the database away, for longer than the lease?',
    );
  }
}

/** A route that cannot run as it is configured. */
export class RouteRefusedError extends WaybillError {
  readonly code = 'ROUTE_REFUSED';

  constructor(
    readonly route: string,
    reason: string,
  ) {
    super(`Route "${route}" is refused: ${reason}.`);
  }
}

/** The sink's trouble: unreachable, overloaded, or its outcome is unknown. No message is blamed. */
export class SinkUnavailableError extends WaybillError {
  readonly code = 'SINK_UNAVAILABLE';

  constructor(detail: string, options?: ErrorOptions) {
    super(`The sink is not available: ${detail}. The lane waits and tries again.`, options);
  }
}

/** The message's trouble: the sink is well and refuses it. */
export class MessageRejectedError extends WaybillError {
  readonly code = 'MESSAGE_REJECTED';
  /** True when trying again cannot help: the lane halts at once instead of after `retry.attempts`. */
  readonly final: boolean;

  constructor(
    readonly messageId: string,
    readonly stream: string,
    readonly revision: bigint,
    detail: string,
    options?: ErrorOptions & { readonly final?: boolean },
  ) {
    super(`Message ${messageId} (${stream}@${revision}) was refused: ${detail}.`, options);
    this.final = options?.final ?? false;
  }
}

/** A notifier could not tell anybody. */
export class NotificationFailedError extends WaybillError {
  readonly code = 'NOTIFICATION_FAILED';
  /** True when trying again cannot help: the address is wrong, or the alarm is refused. */
  readonly final: boolean;
  /** How long the other side asks to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(detail: string, options?: ErrorOptions & { readonly final?: boolean; readonly retryAfterMs?: number | undefined }) {
    super(`The alarm was not taken: ${detail}.`, options);
    this.final = options?.final ?? false;
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** Waiting took longer than `timeoutMs`. What was waited for goes on. */
export class WaitTimeoutError extends WaybillError {
  readonly code = 'WAIT_TIMEOUT';

  constructor(what: string, timeoutMs: number) {
    super(`${what} did not happen within ${timeoutMs} ms. Nothing was cancelled: wait again, or look at dispatcher.lanes().`);
  }
}

/** The message is set aside, with all that comes after it in its stream, until somebody redrives it. */
export class ParkedError extends WaybillError {
  readonly code = 'PARKED';

  constructor(
    readonly route: string,
    readonly stream: string,
    readonly revision: bigint,
  ) {
    super(
      `Message ${stream}@${revision} is parked at route "${route}": it, or one before it in its stream, has used up its tries. ` +
        `Look at dispatcher.stopped("${route}"), mend the cause, then dispatcher.redrive("${route}", { stream }), or skip the message with a reason.`,
    );
  }
}

/** The properties of each error by its code, for {@link isWaybillError}. */
export interface WaybillErrors {
  readonly CONCURRENCY: ConcurrencyError;
  readonly TRANSACTION_CONFLICT: TransactionConflictError;
  readonly TRANSACTION_ROLLED_BACK: TransactionRolledBackError;
  readonly AGGREGATE_NOT_FOUND: AggregateNotFoundError;
  readonly STREAM_GAP: StreamGapError;
  readonly STREAM_DIVERGED: StreamDivergedError;
  readonly UNKNOWN_MESSAGE_TYPE: UnknownMessageTypeError;
  readonly INVALID_PAYLOAD: InvalidPayloadError;
  readonly PAYLOAD_TOO_LARGE: PayloadTooLargeError;
  readonly INVALID_STREAM_NAME: InvalidStreamNameError;
  readonly INVALID_APPEND: InvalidAppendError;
  readonly INVALID_OPTIONS: InvalidOptionsError;
  readonly SCOPE_CLOSED: ScopeClosedError;
  readonly COMMIT_OUTCOME_UNKNOWN: CommitOutcomeUnknownError;
  readonly DATABASE_UNAVAILABLE: DatabaseUnavailableError;
  readonly SCHEMA_MISMATCH: SchemaMismatchError;
  readonly DATABASE_REPLACED: DatabaseReplacedError;
  readonly WITNESS_BEHIND: WitnessBehindError;
  readonly WITNESS_UNAVAILABLE: WitnessUnavailableError;
  readonly LANES_IN_USE: LanesInUseError;
  readonly LEASE_LOST: LeaseLostError;
  readonly ROUTE_REFUSED: RouteRefusedError;
  readonly SINK_UNAVAILABLE: SinkUnavailableError;
  readonly MESSAGE_REJECTED: MessageRejectedError;
  readonly NOTIFICATION_FAILED: NotificationFailedError;
  readonly WAIT_TIMEOUT: WaitTimeoutError;
  readonly PARKED: ParkedError;
}

/** Narrows by code, so that it works across two copies of the package: `if (isWaybillError(error, 'CONCURRENCY')) error.stream`. */
export function isWaybillError<Code extends keyof WaybillErrors>(error: unknown, code: Code): error is WaybillErrors[Code] {
  return error instanceof Error && (error as { code?: unknown }).code === code;
}

const place = (revision: bigint | undefined): string => (revision === undefined ? 'no stream' : `revision ${revision}`);

function issueText({ message, path }: StandardSchemaV1.Issue): string {
  const keys = (path ?? []).map((step) => String(typeof step === 'object' ? step.key : step));
  return keys.length === 0 ? message : `${keys.join('.')}: ${message}`;
}
