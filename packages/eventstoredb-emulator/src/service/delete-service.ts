import type { handleUnaryCall } from '@grpc/grpc-js';
import type { Appender } from '../append/appender.js';
import type { AppendOutcome, ExpectedRevision } from '../append/append-outcome.js';
import type { FaultPlan } from '../faults/fault-plan.js';
import type { EventStore } from '../store/event-store.js';
import { expectedRevisionOf, streamNameOf } from '../wire/append-messages.js';
import { deleteResponse } from '../wire/messages.js';
import type { DeleteRequest } from '../wire/messages.js';
import { asServerError, exceptionThrown, streamDeleted, wrongExpectedRevision } from '../wire/statuses.js';
import type { Failure } from '../wire/statuses.js';

export interface DeleteServiceOptions {
  readonly store: EventStore;
  readonly appender: Appender;
  readonly faults: FaultPlan;
  readonly hard: boolean;
}

/** The `Delete` call, or `Tombstone` when `hard`. */
export function deleteService({ store, appender, faults, hard }: DeleteServiceOptions): handleUnaryCall<DeleteRequest, Buffer> {
  return ({ request: { options } }, callback) => {
    const fail = (failure: Failure): void => callback(asServerError(failure));
    const stream = streamNameOf(options?.streamIdentifier);
    if (!options || stream === undefined) return fail(exceptionThrown());

    faults.whenHeard(() => {
      const expected = expectedRevisionOf(options);
      const outcome = hard ? appender.tombstone(stream, expected) : appender.softDelete(stream, expected);
      if (outcome.kind !== 'accepted') return fail(failureOf(outcome, stream));
      const position = outcome.position ?? 0;
      const answer = deleteResponse.encode({ position: { commitPosition: position, preparePosition: position } });
      store.whenCommitted(() => faults.whenHeard(() => callback(null, answer)));
    });
  };
}

function failureOf(outcome: AppendOutcome, stream: string): Failure {
  if (outcome.kind === 'wrong-expected-revision') return wrongExpectedRevision(stream, asNumber(outcome.expected), outcome.current);
  return outcome.kind === 'stream-deleted' ? streamDeleted(stream) : exceptionThrown();
}

function asNumber(expected: ExpectedRevision): bigint {
  if (typeof expected === 'bigint') return expected;
  return { any: -2n, no_stream: -1n, stream_exists: -4n }[expected];
}
