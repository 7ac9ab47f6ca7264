// message
export type { DomainEvent } from './message/domain-event.js';
export type { Message, MessageFields, MessageKind, MessageMetadata } from './message/message.js';
export { SKIPPED_TYPE } from './message/stored-message.js';
export type { RecordedMessage, StoredMessage } from './message/stored-message.js';
export { defineCommand, defineEvent, unchecked } from './message/definition.js';
export type { AcceptsItsOutput, Definition, DefinitionOptions, EventOf, MessageDefinition } from './message/definition.js';
export { jsonCodec } from './message/codec.js';
export type { PayloadCodec } from './message/codec.js';
export { Catalogue } from './message/catalogue.js';
export type { EncodedPayload } from './message/catalogue.js';
export { MAX_STREAM_NAME_BYTES } from './message/stream-name.js';

// aggregate
export { AggregateRoot } from './aggregate/aggregate-root.js';
export type { EventsOf, Snapshotted } from './aggregate/aggregate-root.js';
export type { EventHistory, ReadHistoryOptions } from './aggregate/event-history.js';
export { OutboxHistory } from './aggregate/outbox-history.js';
export { AggregateRepository } from './aggregate/aggregate-repository.js';
export type { AggregateRepositoryOptions, LoadedStream } from './aggregate/aggregate-repository.js';
export type { Snapshot, SnapshotStore } from './aggregate/snapshot-store.js';

// unit of work
export { UnitOfWork } from './unit-of-work/unit-of-work.js';
export type { JoinedReceipt, RunOptions, UnitOfWorkOptions } from './unit-of-work/unit-of-work.js';
export type { AppendOptions, Scope } from './unit-of-work/scope.js';
export { projector } from './unit-of-work/projector.js';
export type { GenerationContext, GenerationHooks, ProjectionContext, Projector, ProjectorBuilder } from './unit-of-work/projector.js';
export type { Receipt, ReceiptMessage } from './unit-of-work/receipt.js';
export type { TransactionRunner } from './unit-of-work/transaction-runner.js';
export type { IdempotencyStore } from './unit-of-work/idempotency-store.js';
export type { CommitStores } from './unit-of-work/commit-stores.js';

// outbox
export type { Appended, HeadAndTail, MessageToAppend, OutboxStore, StreamAppend } from './outbox/outbox-store.js';
export type { Checkpoint, OutboxRow } from './outbox/outbox-row.js';
export { outboxMessage } from './outbox/outbox-message.js';
export type { OutboxMessage } from './outbox/outbox-message.js';
export { laneOf, streamHash } from './outbox/stream-hash.js';
export { appendsWithout } from './outbox/appends-without.js';
export { selects } from './outbox/selects.js';
export type {
  DiscardedMessage,
  ExecutedAction,
  LanePage,
  LaneStore,
  ReadOptions,
  ReadTailOptions,
  Selection,
  Settlement,
} from './outbox/lane-store.js';
export type { LaneFailure, LaneProgress, LaneState } from './outbox/lane-progress.js';
export type { StoppedState, StoppedStream } from './outbox/stopped-stream.js';
export { FAILED_OUTCOMES } from './outbox/delivery-attempt.js';
export type { DeliveryAttempt, DeliveryOutcome, StoredAttempt } from './outbox/delivery-attempt.js';
export type { AcquireOptions, LaneGrant, LaneLease, LaneLeases } from './outbox/lane-lease.js';
export type { InstanceBeat, Instances, LiveInstance } from './outbox/instances.js';
export type { RouteStore, StoredRoute } from './outbox/route-store.js';
export type { LaneAction, LaneActionRequest, LaneActions, RecordedAction } from './outbox/lane-action.js';
export type {
  AttemptQuery,
  DeliveryStatus,
  MessagePlace,
  MessageProgress,
  MessageQuery,
  MessageStatus,
  RouteStoppedStream,
  StoppedQuery,
  StoredLane,
} from './outbox/delivery-status.js';
export type { RemoveOptions, Retention } from './outbox/retention.js';
export type { Mark, OutboxIdentity } from './outbox/outbox-identity.js';
export { ADOPTED_EPOCH_STEP } from './outbox/adoption.js';
export type { AdoptedRoute, Adoption } from './outbox/adoption.js';
export type { LaneChange } from './outbox/lane-change.js';
export type { WakeHint, WakeUps } from './outbox/wake-ups.js';
export type { Database, DispatchStores } from './database.js';

// dispatcher
export { Dispatcher } from './dispatcher/dispatcher.js';
export type { LaneStatus } from './dispatcher/dispatcher.js';
export type { DispatcherOptions } from './dispatcher/dispatcher-options.js';
export type { WaitOptions } from './dispatcher/when-delivered.js';
export type { RedriveChoice, RedriveOptions } from './dispatcher/operators.js';
export type { FailurePolicy } from './dispatcher/failure/failure-policy.js';
export type { RouteOptions } from './dispatcher/route.js';
export type { Witness } from './dispatcher/witness/witness.js';
export type { RetryOptions } from './backoff.js';
export type { DispatcherEvent, DispatcherEvents, NamedMessage } from './dispatcher/dispatcher-events.js';

// alarm
export { Alarms } from './alarm/alarms.js';
export type { AlarmOptions, AlarmsOptions } from './alarm/alarms.js';
export { alarmOf } from './alarm/alarm-of.js';
export type { Alarm, AlarmKind, Finding } from './alarm/alarm.js';
export type { Notifier } from './alarm/notifier.js';
export { LoggingNotifier } from './alarm/logging-notifier.js';
export { Watch } from './alarm/watch.js';
export type { WatchOptions } from './alarm/watch.js';
export type { Patience } from './alarm/conditions.js';
export { outboxSnapshot } from './alarm/outbox-snapshot.js';
export type { OutboxSnapshot, RouteRates, RouteSnapshot } from './alarm/outbox-snapshot.js';
export type { WatchedStores } from './alarm/outbox-look.js';

// sink
export type { Delivery, DeliveryContext, Reply, Sink } from './sink/sink.js';

// limit
export type { LimitAnswer, LimitRequest, SharedLimits } from './limit/shared-limits.js';
export { checkedLimit } from './limit/checked-limit.js';
export type { CheckedLimit } from './limit/checked-limit.js';

// receiver
export type { OrderOptions, OrderStart } from './receiver/arrival-order.js';
export type { ArrivedMessage } from './receiver/arrived-message.js';
export type { Intake, Taken, TakeOptions } from './receiver/intake.js';
export { InboxHandlers } from './receiver/inbox-handlers.js';
export type { InboxHandlersOptions } from './receiver/inbox-handlers.js';
export { ArrivalLog } from './receiver/arrival-log.js';
export type { ArrivalLogOptions } from './receiver/arrival-log.js';
export type { Arrival, UnreadableMessage } from './receiver/arrival.js';
export type { Received, Receiver } from './receiver/receiver.js';
export { Consumer } from './receiver/consumer.js';
export type { ConsumerStatus } from './receiver/consumer.js';
export type { ConsumerOptions } from './receiver/consumer-options.js';
export type { ConsumerEvents, ReceiverEvents } from './receiver/consumer-events.js';
export type { ReceiverStatus } from './receiver/ack-consumption.js';

// subscription
export type { FollowerEvents } from './subscription/follower-events.js';
export type { SubscriptionStatus } from './subscription/operators.js';
export type { EventLog, FollowOptions, LogEntry } from './subscription/event-log.js';
export type {
  AcquireSubscriptionOptions,
  RenewedSubscription,
  StoredSubscription,
  SubscriptionAdvance,
  SubscriptionFailure,
  SubscriptionGrant,
  SubscriptionLease,
  SubscriptionOrder,
  SubscriptionOrders,
  SubscriptionProgress,
  SubscriptionReport,
  SubscriptionState,
  SubscriptionStore,
} from './subscription/subscription-store.js';

// projection
export { Projection } from './projection/projection.js';
export type { ProjectionOptions } from './projection/projection.js';
export { ProjectionHandler } from './projection/projection-handler.js';
export type { ProjectionDecorator } from './projection/projection-handler.js';
export { projectorOf } from './projection/projector-of.js';
export type { ProjectedTx } from './projection/projector-of.js';
export { Projections } from './projection/projections.js';
export type { CaughtUpOptions } from './projection/projections.js';
export type { ProjectionsOptions } from './projection/projections-options.js';
export type { ProjectionsEvents } from './projection/projections-events.js';
export type { GenerationStatus, ProjectionStatus, RebuildStatus } from './projection/projection-status.js';
export type { PauseProjectionOptions, ResumeProjectionOptions } from './projection/projection-orders.js';
export type { ProjectionStore, StoredProjection } from './projection/projection-store.js';

// process
export { processManager } from './process/process-manager.js';
export type {
  LaterReactionOptions,
  ProcessManager,
  ProcessManagerBuilder,
  ProcessManagerOptions,
  ReactionOptions,
} from './process/process-manager.js';
export { defineState } from './process/process-state.js';
export type { StateDefinition, StateOf } from './process/process-state.js';
export type { Process, Sent } from './process/process.js';
export type { DoneStep, StepAnswer, StepOptions, StepQuestion } from './process/process-step.js';
export { ProcessManagers } from './process/process-managers.js';
export type { ProcessManagersOptions } from './process/process-managers.js';
export type { ProcessEvents } from './process/process-events.js';
export type { SettleOptions, StepPlace } from './process/settle-by-hand.js';
export type {
  DueTimeout,
  ProcessKey,
  ProcessLine,
  ProcessQuery,
  ProcessStatus,
  ProcessStore,
  RemoveProcessesOptions,
  StepState,
  StoredProcess,
  StoredStep,
  TimeoutNames,
  TimeoutToSet,
} from './process/process-store.js';

// case
export { Cases } from './case/cases.js';
export type { CasesOptions } from './case/cases.js';
export type { CaseKind, CaseQuery, CaseStore, OpenCase, RecordedCase } from './case/case-store.js';

// inbox
export { messageOfClaim } from './inbox/claim-of-arrival.js';
export type { InboxClaim, InboxStore } from './inbox/inbox-store.js';
export type { ArrivalPlace, ArrivalStore, LastArrival } from './inbox/arrival-store.js';
export { Inbox } from './inbox/inbox.js';
export type { InboxOptions, OnceOptions } from './inbox/inbox.js';

// handler
export { OutboxHandler } from './handler/outbox-handler.js';
export { InboxHandler } from './handler/inbox-handler.js';
export type { CallContext, Commit, CommitOrCompensate, HandlerContext, SecondStep } from './handler/handler-context.js';
export type { HandlerDecorator, HandlerOptions } from './handler/handler-decorator.js';
export { handled } from './handler/handled.js';
export type { HandledOptions, HandlesMessages } from './handler/handled.js';
export type { HandlerCall, HandlerMiddleware } from './handler/handler-middleware.js';
export type { HandlerFailurePolicy, HandlerRetry } from './handler/handler-retry.js';
export type { HandlersFor } from './handler/handlers-for.js';
export { HandlerSink } from './handler/handler-sink.js';
export type { HandlerSinkOptions } from './handler/handler-sink.js';

// what every station uses
export { aborted, delay, systemClock } from './clock.js';
export type { Clock } from './clock.js';
export type { Moment, Reached } from './moment.js';
export { silentLogger } from './logger.js';
export type { Logger } from './logger.js';
export {
  AggregateNotFoundError,
  CommitOutcomeUnknownError,
  ConcurrencyError,
  DatabaseReplacedError,
  DatabaseUnavailableError,
  EventLogBehindError,
  InvalidAppendError,
  InvalidOptionsError,
  InvalidPayloadError,
  InvalidStreamNameError,
  isWaybillError,
  LanesInUseError,
  LeaseLostError,
  MessageRejectedError,
  NotificationFailedError,
  OutcomeUnknownError,
  ParkedError,
  PayloadTooLargeError,
  PredecessorMissingError,
  RevisionTakenError,
  RouteRefusedError,
  SchemaMismatchError,
  ScopeClosedError,
  SinkUnavailableError,
  StaleSenderError,
  StreamDivergedError,
  StreamGapError,
  SubscriptionLostError,
  SubscriptionRefusedError,
  SubscriptionStoppedError,
  TargetUnavailableError,
  TransactionConflictError,
  TransactionRolledBackError,
  UnknownMessageTypeError,
  WaitTimeoutError,
  WaybillError,
  WitnessBehindError,
  WitnessUnavailableError,
} from './errors.js';
export type { DeliveryFailure, WaybillErrors } from './errors.js';
