import { place } from './place.js';
import { WaybillError } from './waybill-error.js';

/** `load` found no such stream. Use `find` where that is not an error. */
export class AggregateNotFoundError extends WaybillError {
  readonly code = 'AGGREGATE_NOT_FOUND';

  constructor(readonly stream: string) {
    super(`Stream "${stream}" does not exist. Create the aggregate and track it, or use find() where a missing one is expected.`);
  }
}

/** Outbox tail and event history do not join up: deciding on a part of the past would be wrong. */
export class StreamGapError extends WaybillError {
  readonly code = 'STREAM_GAP';

  constructor(
    readonly stream: string,
    readonly missingRevision: bigint,
    readonly headRevision: bigint | undefined,
    { outboxAlone = false }: { readonly outboxAlone?: boolean } = {},
  ) {
    super(
      `Stream "${stream}" lacks revision ${missingRevision} (its head is ${place(headRevision)}): ` +
        (outboxAlone
          ? 'the outbox does not have it any more, and there is no other history to load it from. Does a dispatcher remove delivered messages (keepMessagesMs)? Without an event store all of them must be kept.'
          : 'neither the outbox nor the event history has it. Was the stream truncated ($maxCount, $maxAge, $tb), or were outbox rows removed before they were delivered? Without a snapshot behind the gap it cannot be loaded.'),
    );
  }
}

/** Outbox and event history hold different events at one revision: somebody else writes to the stream. */
export class StreamDivergedError extends WaybillError {
  readonly code = 'STREAM_DIVERGED';

  constructor(
    readonly stream: string,
    readonly revision: bigint,
    readonly outboxMessageId: string,
    readonly historyMessageId: string,
  ) {
    super(
      `Stream "${stream}" has message ${outboxMessageId} at revision ${revision} in the outbox, but ${historyMessageId} in the event history. ` +
        'A foreign writer appended there: find it and stop it, then decide which of the two events is right.',
    );
  }
}
