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
