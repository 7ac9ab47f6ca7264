// contract kits
export { databaseContract } from './contract/database-contract.js';
export { outboxStoreContract } from './contract/outbox-store-contract.js';
export type { Capabilities, DatabaseFixture, Fixture } from './contract/fixture.js';

// order
export { orderingContract } from './ordering/ordering-contract.js';
export type { OrderingOptions, OrderingPort } from './ordering/ordering-contract.js';
export { race } from './ordering/race.js';
export type { RaceOptions } from './ordering/race.js';
export type { RaceResult } from './ordering/race-log.js';
export { deliverAll, leaseRoute, readNext } from './ordering/leased-route.js';
export type { HeldLane, LeasedRoute, LeaseRouteOptions } from './ordering/leased-route.js';

// builders
export { aMessage, anAppend } from './builders/a-message.js';
export { gate } from './builders/gate.js';
export type { Gate } from './builders/gate.js';
export { eventually, isWaiting, SETTLE_MS } from './builders/waiting.js';
