export { InMemoryDatabase } from './in-memory-database.js';
export type { InMemoryOptions } from './in-memory-database.js';
export { InMemoryTx } from './in-memory-transactions.js';
export { InMemorySink } from './in-memory-sink.js';
export type { InMemorySinkOptions } from './in-memory-sink.js';
export { InMemoryWitness } from './in-memory-identity.js';
