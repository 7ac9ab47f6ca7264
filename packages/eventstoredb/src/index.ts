export { EventStoreDB } from './eventstoredb.js';
export type { EventStoreDBCredentials, EventStoreDBOptions } from './eventstoredb-options.js';
export type { SubscriptionTarget } from './subscription/selection.js';
export type { SubscriptionOptions } from './subscription/subscription-options.js';

// Errors
export { EventStoreDBUnavailableError, StreamTombstonedError } from './eventstoredb-errors.js';
