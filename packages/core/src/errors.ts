import type { PredecessorMissingError, RevisionTakenError, StaleSenderError } from './errors/arrival-errors.js';
import type {
  ConcurrencyError,
  TransactionConflictError,
  TransactionRolledBackError,
  ScopeClosedError,
  CommitOutcomeUnknownError,
} from './errors/commit-errors.js';
import type {
  DatabaseUnavailableError,
  SchemaMismatchError,
  DatabaseReplacedError,
  WitnessBehindError,
  WitnessUnavailableError,
  LanesInUseError,
} from './errors/database-errors.js';
import type {
  SinkUnavailableError,
  MessageRejectedError,
  NotificationFailedError,
  OutcomeUnknownError,
  TargetUnavailableError,
} from './errors/delivery-errors.js';
import type { LeaseLostError, RouteRefusedError, WaitTimeoutError, ParkedError } from './errors/dispatch-errors.js';
import type { AggregateNotFoundError, StreamGapError, StreamDivergedError } from './errors/history-errors.js';
import type {
  UnknownMessageTypeError,
  InvalidPayloadError,
  PayloadTooLargeError,
  InvalidStreamNameError,
  InvalidAppendError,
} from './errors/message-errors.js';
import type {
  EventLogBehindError,
  SubscriptionLostError,
  SubscriptionRefusedError,
  SubscriptionStoppedError,
} from './errors/subscription-errors.js';
import type { InvalidOptionsError } from './errors/waybill-error.js';

export {
  ConcurrencyError,
  TransactionConflictError,
  TransactionRolledBackError,
  ScopeClosedError,
  CommitOutcomeUnknownError,
} from './errors/commit-errors.js';
export {
  DatabaseUnavailableError,
  SchemaMismatchError,
  DatabaseReplacedError,
  WitnessBehindError,
  WitnessUnavailableError,
  LanesInUseError,
} from './errors/database-errors.js';
export { PredecessorMissingError, RevisionTakenError, StaleSenderError } from './errors/arrival-errors.js';
export type { DeliveryFailure } from './errors/delivery-errors.js';
export {
  SinkUnavailableError,
  MessageRejectedError,
  NotificationFailedError,
  OutcomeUnknownError,
  TargetUnavailableError,
} from './errors/delivery-errors.js';
export { LeaseLostError, RouteRefusedError, WaitTimeoutError, ParkedError } from './errors/dispatch-errors.js';
export { AggregateNotFoundError, StreamGapError, StreamDivergedError } from './errors/history-errors.js';
export {
  UnknownMessageTypeError,
  InvalidPayloadError,
  PayloadTooLargeError,
  InvalidStreamNameError,
  InvalidAppendError,
} from './errors/message-errors.js';
export {
  EventLogBehindError,
  SubscriptionLostError,
  SubscriptionRefusedError,
  SubscriptionStoppedError,
} from './errors/subscription-errors.js';
export { InvalidOptionsError, WaybillError } from './errors/waybill-error.js';

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
  readonly OUTCOME_UNKNOWN: OutcomeUnknownError;
  readonly TARGET_UNAVAILABLE: TargetUnavailableError;
  readonly NOTIFICATION_FAILED: NotificationFailedError;
  readonly WAIT_TIMEOUT: WaitTimeoutError;
  readonly PARKED: ParkedError;
  readonly PREDECESSOR_MISSING: PredecessorMissingError;
  readonly REVISION_TAKEN: RevisionTakenError;
  readonly STALE_SENDER: StaleSenderError;
  readonly SUBSCRIPTION_LOST: SubscriptionLostError;
  readonly SUBSCRIPTION_REFUSED: SubscriptionRefusedError;
  readonly SUBSCRIPTION_STOPPED: SubscriptionStoppedError;
  readonly EVENT_LOG_BEHIND: EventLogBehindError;
}

/** Narrows by code, so that it works across two copies of the package: `if (isWaybillError(error, 'CONCURRENCY')) error.stream`. */
export function isWaybillError<Code extends keyof WaybillErrors>(error: unknown, code: Code): error is WaybillErrors[Code] {
  return error instanceof Error && (error as { code?: unknown }).code === code;
}
