import { status } from '@grpc/grpc-js';
import type { AppendOutcome } from '../append/append-outcome.js';
import { conflictOf, successOf } from './append-messages.js';
import { batchAppendResponse } from './messages.js';
import type { BatchAppendResponse, RpcStatus, StreamIdentifier } from './messages.js';
import { codec } from './schema.js';

const wrongExpectedVersion = codec<object>('WrongExpectedVersion');
const streamDeleted = codec<{ readonly streamIdentifier: StreamIdentifier }>('StreamDeleted');
const maximumAppendSizeExceeded = codec<{ readonly maxAppendSize: number }>('MaximumAppendSizeExceeded');
const NO_FIELDS = Buffer.alloc(0);

/** Encodes one answer of the batch call. The stream's name goes along with errors too: the client reads it without asking. */
export function encodeBatchAnswer(
  outcome: Exclude<AppendOutcome, { kind: 'not-leader' }>,
  request: Pick<BatchAppendResponse, 'correlationId' | 'streamIdentifier'>,
): Buffer {
  const { correlationId, streamIdentifier } = request;
  if (outcome.kind === 'accepted') return batchAppendResponse.encode({ correlationId, streamIdentifier, success: successOf(outcome) });
  return batchAppendResponse.encode({ correlationId, streamIdentifier, error: errorOf(outcome, streamIdentifier) });
}

function errorOf(outcome: Exclude<AppendOutcome, { kind: 'not-leader' | 'accepted' }>, streamIdentifier: StreamIdentifier): RpcStatus {
  switch (outcome.kind) {
    case 'wrong-expected-revision': {
      const { currentRevision, currentNoStream, expectedRevision, ...expected } = conflictOf(outcome);
      const value = wrongExpectedVersion.encode({
        ...(currentRevision === undefined ? { currentNoStream } : { currentStreamRevision: currentRevision }),
        ...(expectedRevision === undefined ? expected : { expectedStreamPosition: expectedRevision }),
      });
      return error(status.ALREADY_EXISTS, 'WrongExpectedVersion', value);
    }
    case 'stream-deleted':
      return error(status.NOT_FOUND, 'StreamDeleted', streamDeleted.encode({ streamIdentifier }));
    case 'too-large':
      return error(
        status.INVALID_ARGUMENT,
        'MaximumAppendSizeExceeded',
        maximumAppendSizeExceeded.encode({ maxAppendSize: outcome.limit }),
      );
    case 'bad-request':
      return error(status.INVALID_ARGUMENT, 'BadRequest', NO_FIELDS);
    case 'timed-out':
      return error(status.DEADLINE_EXCEEDED, 'Timeout', NO_FIELDS);
    case 'busy':
      return untyped('Server Is Busy');
    case 'not-ready':
      return untyped('Server Is Not Ready');
  }
}

function error(code: number, name: string, value: Uint8Array): RpcStatus {
  return { code, message: name, details: { typeUrl: `type.googleapis.com/event_store.client.${name}`, value } };
}

function untyped(message: string): RpcStatus {
  return { code: status.UNAVAILABLE, message, details: { typeUrl: 'type.googleapis.com/google.protobuf.Empty', value: NO_FIELDS } };
}
