export { EventStoreDB } from './eventstoredb.js';
export type { EventStoreDBCredentials, EventStoreDBOptions } from './eventstoredb-options.js';

// Subscriptions
export type { SubscriptionTarget } from './subscription/selection.js';
export type { SubscriptionOptions } from './subscription/subscription-options.js';

// Persistent subscriptions
export type { PersistentSubscriptionInfo } from './persistent/group-info.js';
export type { GroupSettings } from './persistent/group-settings.js';
export type { PersistentSubscription } from './persistent/persistent-subscription.js';
export type { PersistentSubscriptionOptions } from './persistent/persistent-subscription-options.js';

// Errors
export { EventStoreDBUnavailableError, PersistentSubscriptionMissingError, StreamTombstonedError } from './eventstoredb-errors.js';
