export { MongoDBDatabase } from './mongodb-database.js';
export type { MongoDBOptions } from './mongodb-database.js';
export type { MongoDBTx } from './mongodb-tx.js';
