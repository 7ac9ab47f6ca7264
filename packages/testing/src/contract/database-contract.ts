import { describe } from 'mocha';
import type { OrderingOptions } from '../ordering/ordering-contract.js';
import type { Capabilities, DatabaseFixture } from './fixture.js';
import { outboxStoreContract } from './outbox-store-contract.js';

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
    outboxStoreContract(name, open, capabilities, options);
  });
}
