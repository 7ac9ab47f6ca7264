import { WaybillError } from '@waybill/core';

/** EventStoreDB could not be read: unreachable, too slow, or it refused the credentials. It is safe to repeat. */
export class EventStoreDBUnavailableError extends WaybillError {
  readonly code = 'EVENTSTOREDB_UNAVAILABLE';

  constructor(detail: string, options?: ErrorOptions) {
    super(`EventStoreDB is not available: ${detail}. Nothing was changed; it is safe to repeat.`, options);
  }
}

/** The stream was deleted for good (tombstoned): its events are gone, and its name can never be used again. */
export class StreamTombstonedError extends WaybillError {
  readonly code = 'STREAM_TOMBSTONED';

  constructor(
    readonly stream: string,
    options?: ErrorOptions,
  ) {
    super(
      `Stream "${stream}" was deleted for good (tombstoned) in EventStoreDB: it can be neither read nor written. Give the aggregate a new stream name.`,
      options,
    );
  }
}

/** There is no such group at the server: it was never made, or was deleted, perhaps while it was in use. What it remembered is gone. */
export class PersistentSubscriptionMissingError extends WaybillError {
  readonly code = 'PERSISTENT_SUBSCRIPTION_MISSING';

  constructor(
    readonly subscription: string,
    options?: ErrorOptions,
  ) {
    super(
      `There is no ${subscription}: it was never made, or was deleted. A new one begins where its settings say, not where this one was. ` +
        'Make it at the server, or let it be made by a process that starts with the option "create".',
      options,
    );
  }
}
