import { describe } from 'mocha';
import type { OrderingOptions } from '../ordering/ordering-contract.js';
import { arrivalStoreContract } from './arrival-store-contract.js';
import { caseStoreContract } from './case-store-contract.js';
import { claimRetentionContract } from './claim-retention-contract.js';
import { deliveredStreamsContract } from './delivered-streams-contract.js';
import { deliveryHistoryContract } from './delivery-history-contract.js';
import { deliveryStatusContract } from './delivery-status-contract.js';
import type { Capabilities, DatabaseFixture } from './fixture.js';
import { idempotencyStoreContract } from './idempotency-store-contract.js';
import { identityContract } from './identity-contract.js';
import { inboxStoreContract } from './inbox-store-contract.js';
import { instancesContract } from './instances-contract.js';
import { laneActionsContract } from './lane-actions-contract.js';
import { laneClaimsContract } from './lane-claims-contract.js';
import { laneLeasesContract } from './lane-leases-contract.js';
import { laneStoreContract } from './lane-store-contract.js';
import { messageStatusContract } from './message-status-contract.js';
import { migrationContract } from './migration-contract.js';
import { outboxStoreContract } from './outbox-store-contract.js';
import { placeholderContract } from './placeholder-contract.js';
import { processStoreContract } from './process-store-contract.js';
import { processTimeoutsContract } from './process-timeouts-contract.js';
import { projectionStoreContract } from './projection-store-contract.js';
import { repliesContract } from './replies-contract.js';
import { retentionContract } from './retention-contract.js';
import { routeLifeContract } from './route-life-contract.js';
import { routeStoreContract } from './route-store-contract.js';
import { settlementContract } from './settlement-contract.js';
import { sharedLimitsContract } from './shared-limits-contract.js';
import { snapshotStoreContract } from './snapshot-store-contract.js';
import { stoppedStreamsContract } from './stopped-streams-contract.js';
import { streamTailContract } from './stream-tail-contract.js';
import { subscriptionLeaseContract } from './subscription-lease-contract.js';
import { subscriptionStoreContract } from './subscription-store-contract.js';
import { transactionRunnerContract } from './transaction-runner-contract.js';
import { unitOfWorkContract } from './unit-of-work-contract.js';
import { wakeUpsContract } from './wake-ups-contract.js';

/**
 * Registers the suites of every port of a database adapter with mocha. The kits of single ports are exported beside it.
 *
 * @param open - opens an empty database, migrated and ready; called once a suite
 */
export function databaseContract<Tx>(
  name: string,
  open: () => Promise<DatabaseFixture<Tx>>,
  capabilities: Capabilities,
  options: OrderingOptions = {},
): void {
  describe(`the database "${name}"`, () => {
    migrationContract(name, open);
    identityContract(name, open);
    transactionRunnerContract(name, open);
    outboxStoreContract(name, open, capabilities, options);
    laneStoreContract(name, open);
    settlementContract(name, open);
    repliesContract(name, open);
    deliveredStreamsContract(name, open);
    stoppedStreamsContract(name, open);
    streamTailContract(name, open);
    placeholderContract(name, open);
    laneLeasesContract(name, open);
    instancesContract(name, open);
    routeStoreContract(name, open);
    routeLifeContract(name, open);
    laneActionsContract(name, open);
    deliveryStatusContract(name, open);
    deliveryHistoryContract(name, open);
    messageStatusContract(name, open);
    retentionContract(name, open);
    claimRetentionContract(name, open);
    inboxStoreContract(name, open);
    laneClaimsContract(name, open);
    subscriptionStoreContract(name, open);
    subscriptionLeaseContract(name, open);
    projectionStoreContract(name, open);
    arrivalStoreContract(name, open);
    sharedLimitsContract(name, open);
    processStoreContract(name, open);
    processTimeoutsContract(name, open);
    caseStoreContract(name, open);
    idempotencyStoreContract(name, open);
    snapshotStoreContract(name, open);
    wakeUpsContract(name, open, capabilities);
    unitOfWorkContract(name, open, capabilities);
  });
}
