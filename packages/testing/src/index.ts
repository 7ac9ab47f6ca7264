// contract kits
export { databaseContract } from './contract/database-contract.js';
export { migrationContract } from './contract/migration-contract.js';
export { identityContract } from './contract/identity-contract.js';
export { transactionRunnerContract } from './contract/transaction-runner-contract.js';
export { outboxStoreContract } from './contract/outbox-store-contract.js';
export { adoptionContract } from './contract/adoption-contract.js';
export { laneStoreContract } from './contract/lane-store-contract.js';
export { settlementContract } from './contract/settlement-contract.js';
export { repliesContract } from './contract/replies-contract.js';
export { deliveredStreamsContract } from './contract/delivered-streams-contract.js';
export { stoppedStreamsContract } from './contract/stopped-streams-contract.js';
export { streamTailContract } from './contract/stream-tail-contract.js';
export { placeholderContract } from './contract/placeholder-contract.js';
export { laneLeasesContract } from './contract/lane-leases-contract.js';
export { instancesContract } from './contract/instances-contract.js';
export { routeStoreContract } from './contract/route-store-contract.js';
export { routeLifeContract } from './contract/route-life-contract.js';
export { laneActionsContract } from './contract/lane-actions-contract.js';
export { deliveryStatusContract } from './contract/delivery-status-contract.js';
export { deliveryHistoryContract } from './contract/delivery-history-contract.js';
export { messageStatusContract } from './contract/message-status-contract.js';
export { retentionContract } from './contract/retention-contract.js';
export { claimRetentionContract } from './contract/claim-retention-contract.js';
export { arrivalStoreContract } from './contract/arrival-store-contract.js';
export { inboxStoreContract } from './contract/inbox-store-contract.js';
export { processStoreContract } from './contract/process-store-contract.js';
export { processTimeoutsContract } from './contract/process-timeouts-contract.js';
export { caseStoreContract } from './contract/case-store-contract.js';
export { subscriptionStoreContract } from './contract/subscription-store-contract.js';
export { subscriptionLeaseContract } from './contract/subscription-lease-contract.js';
export { projectionStoreContract } from './contract/projection-store-contract.js';
export { laneClaimsContract } from './contract/lane-claims-contract.js';
export { sharedLimitsContract } from './contract/shared-limits-contract.js';
export { idempotencyStoreContract } from './contract/idempotency-store-contract.js';
export { snapshotStoreContract } from './contract/snapshot-store-contract.js';
export { wakeUpsContract } from './contract/wake-ups-contract.js';
export { unitOfWorkContract } from './contract/unit-of-work-contract.js';
export { unitOfWorkAdoptionContract } from './contract/unit-of-work-adoption-contract.js';
export { unitOfWorkLostAnswersContract } from './contract/unit-of-work-lost-answers-contract.js';
export type { Capabilities, DatabaseFixture, Fixture } from './contract/fixture.js';
export { changedLanesContract } from './contract/changed-lanes-contract.js';
export type { ChangedLanesFixture } from './contract/changed-lanes-contract.js';
export { sinkContract } from './contract/sink-contract.js';
export { sinkFailuresContract } from './contract/sink-failures-contract.js';
export { wholeStreamsContract } from './contract/whole-streams-contract.js';
export type { SinkCapabilities, SinkFixture } from './contract/sink-fixture.js';
export { witnessContract } from './contract/witness-contract.js';
export type { WitnessFixture } from './contract/witness-contract.js';
export { eventHistoryContract } from './contract/event-history-contract.js';
export type { EventHistoryCapabilities, EventHistoryFixture } from './contract/event-history-contract.js';
export { eventLogContract } from './contract/event-log-contract.js';
export type { EventLogFixture } from './contract/event-log-contract.js';
export { receiverContract } from './contract/receiver-contract.js';
export type { ReceiverFixture } from './contract/receiver-contract.js';

// order
export { orderingContract } from './ordering/ordering-contract.js';
export type { OrderingOptions, OrderingPort } from './ordering/ordering-contract.js';
export { race } from './ordering/race.js';
export type { RaceOptions } from './ordering/race.js';
export type { RaceResult } from './ordering/race-log.js';
export { deliverAll, laneOfStream, leaseRoute, readNext, settleLane, takeOver } from './ordering/leased-route.js';
export type { HeldLane, LeasedRoute, LeaseRouteOptions } from './ordering/leased-route.js';
export { HalfDelivered } from './ordering/half-delivered.js';

// given, when, then
export { given } from './given/given.js';
export type { Outcome } from './given/given.js';

// crash points
export { CrashPointError, CrashPoints } from './crash-points/crash-points.js';
export type { CrashOptions } from './crash-points/crash-points.js';

// builders
export { aDeliveryContext } from './builders/a-delivery-context.js';
export { aMessage, anAppend } from './builders/a-message.js';
export { aSettlement } from './builders/a-settlement.js';
export { aFailure } from './builders/a-failure.js';
export { aStoppedStream } from './builders/a-stopped-stream.js';
export { aHeldSubscription, anAdvance, aReport } from './builders/a-subscription.js';
export { anAttempt } from './builders/an-attempt.js';
export { anArrivedMessage } from './builders/an-arrived-message.js';
export { anOutboxMessage, messagesOf } from './builders/an-outbox-message.js';
export { gate } from './builders/gate.js';
export type { Gate } from './builders/gate.js';
export { eventually, isWaiting, SETTLE_MS } from './builders/waiting.js';
