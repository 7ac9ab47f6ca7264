// What the tests look at; the demo itself is a program: demo.ts.
export { audit } from './books/audit.js';
export type { AllBooks, Audit, Ending } from './books/audit.js';
export type { ListedOrder, ShippingBooks, ShopBooks } from './books/books.js';
export type { Death } from './child-orders.js';
export { DATABASES } from './composition/databases.js';
export type { DatabaseKind } from './composition/databases.js';
export type { PlannedOrder } from './customers.js';
export type { Card } from './payment/cards.js';
export { readLedger } from './payment/ledger.js';
export type { LedgerLine } from './payment/ledger.js';
export { startServers } from './servers.js';
export type { Servers } from './servers.js';
export { SOLD_OUT } from './shipping/warehouse.js';
export { Stage } from './stage.js';
export type { StageOptions } from './stage.js';
