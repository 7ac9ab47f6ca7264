import type { Accepted, ExpectedRevision, ProposedEvent, WrongExpectedRevision } from '../append/append-outcome.js';
import { bigintOf, int64Of } from './int64.js';
import { EMPTY } from './messages.js';
import type { AppendOptions, AppendResponse, AppendSuccess, ProposedMessage, StreamIdentifier } from './messages.js';
import { uuidOf } from './uuid.js';

/** @returns `undefined` for the two names that the real server refuses: the empty one, and the metastream of it */
export function streamNameOf(identifier: StreamIdentifier | null | undefined): string | undefined {
  const name = Buffer.from(identifier?.streamName ?? []).toString();
  return name === '' || name === '$$' ? undefined : name;
}

export function expectedRevisionOf({ expected, revision }: AppendOptions): ExpectedRevision {
  switch (expected) {
    case 'revision':
      return bigintOf(revision);
    case 'noStream':
      return 'no_stream';
    case 'streamExists':
      return 'stream_exists';
    default:
      return 'any';
  }
}

/** @returns `undefined` when the id is nil or no UUID, or the type is empty */
export function proposedEventOf({ id, metadata, customMetadata, data }: ProposedMessage): ProposedEvent | undefined {
  const eventId = uuidOf(id);
  const type = metadata['type'];
  if (eventId === undefined || !type) return undefined;
  return { id: eventId, type, json: metadata['content-type'] === 'application/json', data, metadata: customMetadata };
}

export function successOf({ revision, position }: Accepted): AppendSuccess {
  return {
    ...(revision < 0 ? { noStream: EMPTY } : { currentRevision: revision }),
    ...(position === undefined ? { noPosition: EMPTY } : { position: { commitPosition: position, preparePosition: position } }),
  };
}

export function conflictOf({ expected, current }: WrongExpectedRevision): NonNullable<AppendResponse['wrongExpectedVersion']> {
  return {
    ...(current < 0 ? { currentNoStream: EMPTY } : { currentRevision: current }),
    ...(typeof expected === 'bigint' && { expectedRevision: int64Of(expected) }),
    ...(expected === 'any' && { expectedAny: EMPTY }),
    ...(expected === 'stream_exists' && { expectedStreamExists: EMPTY }),
    ...(expected === 'no_stream' && { expectedNoStream: EMPTY }),
  };
}
