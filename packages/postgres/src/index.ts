export { PostgresDatabase } from './postgres-database.js';
export type { PostgresOptions } from './postgres-database.js';
export type { ForeignTransactions, PostgresTx } from './postgres-tx.js';
