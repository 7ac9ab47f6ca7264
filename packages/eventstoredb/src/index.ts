export { EventStoreDB } from './eventstoredb.js';
export type { EventStoreDBCredentials, EventStoreDBOptions } from './eventstoredb-options.js';

// Errors
export { EventStoreDBUnavailableError, StreamTombstonedError } from './eventstoredb-errors.js';
