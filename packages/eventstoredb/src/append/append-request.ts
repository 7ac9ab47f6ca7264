import sharedMessages from '@eventstore/db-client/generated/shared_pb.js';
import type { UUID } from '@eventstore/db-client/generated/shared_pb.js';
import streamsMessages from '@eventstore/db-client/generated/streams_pb.js';
import type { BatchAppendReq } from '@eventstore/db-client/generated/streams_pb.js';
import type { EventToAppend } from '../event/event-to-append.js';

/** Events of one stream that are stored together or not at all. */
export interface AppendRequest {
  readonly stream: string;
  /** Of the first event. The stream must end right before it. */
  readonly revision: bigint;
  readonly events: readonly EventToAppend[];
}

// Field 6, a timestamp of 9999-12-31. A deadline is a point in time by the client's clock: with a near one, a clock that is behind the
// server's would make every append fail at once. The server's own limit of some seconds holds all the same, and so does ours.
const IN_NO_HURRY = new Uint8Array([0x32, 0x07, 0x08, 0xff, 0x82, 0xd1, 0xff, 0xaf, 0x07]);
const FAR_DEADLINE = streamsMessages.BatchAppendReq.Options.deserializeBinary(IN_NO_HURRY).getDeadline();
const EMPTY = new sharedMessages.Empty();

/** The request as the batch-append call takes it. The expected revision is always an exact one: `any` forgets ids and stores twice. */
export function encodeAppend({ stream, revision, events }: AppendRequest, correlationId: string): BatchAppendReq {
  const options = new streamsMessages.BatchAppendReq.Options();
  const identifier = new sharedMessages.StreamIdentifier();
  identifier.setStreamName(new Uint8Array(Buffer.from(stream)));
  options.setStreamIdentifier(identifier);
  options.setDeadline(FAR_DEADLINE);
  if (revision === 0n) options.setNoStream(EMPTY);
  else options.setStreamPosition(String(revision - 1n));

  const request = new streamsMessages.BatchAppendReq();
  request.setCorrelationId(uuid(correlationId));
  request.setOptions(options);
  request.setProposedMessagesList(events.map(proposedMessage));
  request.setIsFinal(true);
  return request;
}

function proposedMessage({ id, type, data, metadata }: EventToAppend): BatchAppendReq.ProposedMessage {
  const message = new streamsMessages.BatchAppendReq.ProposedMessage();
  message.setId(uuid(id));
  message.getMetadataMap().set('type', type).set('content-type', 'application/json');
  message.setData(data);
  message.setCustomMetadata(metadata);
  return message;
}

function uuid(text: string): UUID {
  const id = new sharedMessages.UUID();
  id.setString(text);
  return id;
}
