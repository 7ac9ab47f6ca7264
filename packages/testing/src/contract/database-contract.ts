import { describe } from 'mocha';
import type { OrderingOptions } from '../ordering/ordering-contract.js';
import { deliveryStatusContract } from './delivery-status-contract.js';
import type { Capabilities, DatabaseFixture } from './fixture.js';
import { idempotencyStoreContract } from './idempotency-store-contract.js';
import { inboxStoreContract } from './inbox-store-contract.js';
import { laneActionsContract } from './lane-actions-contract.js';
import { laneLeasesContract } from './lane-leases-contract.js';
import { laneStoreContract } from './lane-store-contract.js';
import { migrationContract } from './migration-contract.js';
import { outboxStoreContract } from './outbox-store-contract.js';
import { routeStoreContract } from './route-store-contract.js';
import { settlementContract } from './settlement-contract.js';
import { snapshotStoreContract } from './snapshot-store-contract.js';
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
    transactionRunnerContract(name, open);
    outboxStoreContract(name, open, capabilities, options);
    laneStoreContract(name, open);
    settlementContract(name, open);
    laneLeasesContract(name, open);
    routeStoreContract(name, open);
    laneActionsContract(name, open);
    deliveryStatusContract(name, open);
    inboxStoreContract(name, open);
    idempotencyStoreContract(name, open);
    snapshotStoreContract(name, open);
    wakeUpsContract(name, open, capabilities);
    unitOfWorkContract(name, open, capabilities);
  });
}
