import { validate as isUuid, v5 as uuidFrom } from 'uuid';
import { InvalidPayloadError, isWaybillError, WaybillError } from '../errors.js';
import { refusePrototypeKeys } from '../message/catalogue.js';
import type { Catalogue } from '../message/catalogue.js';
import type { Message, MessageMetadata } from '../message/message.js';
import type { RecordedMessage } from '../message/stored-message.js';
import { checkArrivedStream } from '../message/stream-name.js';
import { checkedMetadata } from '../unit-of-work/staged-commit.js';
import type { ArrivedMessage } from './arrived-message.js';
import { sourceKey } from './arrival-order.js';

/** A message that arrived, as this application keeps it and as its handlers see it. */
export interface ReceivedMessage {
  /** In the shape in which it arrived. */
  readonly recorded: RecordedMessage;
  /** JSON text of its payload. */
  readonly payload: string;
  /** In today's shape. */
  readonly message: Message;
}

// Ids that are no UUIDs become ones below this.
const NAMESPACE = 'a5f2bd34-6c0e-4d0e-9e0f-3f6d1b7c8a52';
const MOST_REVISION = 2n ** 63n - 1n;
const MOST_SOURCE_BYTES = 1_000;

/**
 * Brings what arrived to the form in which outboxes and handlers have messages.
 *
 * Metadata tells where it is from: `source`, `sourceRoute` and `sourceRevision`; and `sourceId`, where its id was no UUID (in lower case) and
 * has become one that is made of source and id: the same each time it arrives.
 *
 * @throws {@link InvalidStreamNameError}, {@link UnknownMessageTypeError}, {@link InvalidPayloadError} it can never be taken as it is
 */
export function receivedMessage(arrived: ArrivedMessage, catalogue: Catalogue): ReceivedMessage {
  checkArrived(arrived);
  const { type, stream, revision, occurredAt, schemaVersion, codec } = arrived;
  const json = arrived.json ?? null;
  const kind = catalogue.find(type)?.kind ?? arrived.kind;
  const recorded = {
    id: idOf(arrived),
    kind,
    type,
    stream,
    revision,
    occurredAt,
    schemaVersion,
    codec,
    metadata: metadataOf(arrived),
    json,
  };
  try {
    refusePrototypeKeys(type, json);
    return { recorded, payload: JSON.stringify(json), message: catalogue.decode(recorded) };
  } catch (cause) {
    if (cause instanceof WaybillError) throw cause;
    throw new InvalidPayloadError(type, [{ message: `codec "${codec}" cannot read it: ${String(cause)}` }], { cause });
  }
}

/**
 * Refuses what no store can keep, whatever its type.
 *
 * @throws {@link InvalidStreamNameError}, {@link InvalidPayloadError}
 */
export function checkArrived(arrived: ArrivedMessage): void {
  const { id, stream, source, route, revision, epoch, occurredAt } = arrived;
  checkArrivedStream(stream);
  if (id === '') throw refusal(arrived, 'id', 'it is empty');
  for (const [name, text] of [
    ['id', id],
    ['source', source],
    ['route', route],
  ] as const)
    if (text !== undefined && (text.includes('\0') || !text.isWellFormed()))
      throw refusal(arrived, name, 'it holds a NUL character or half a surrogate pair, which not every store keeps');
  if (source === '') throw refusal(arrived, 'source', 'it is empty');
  if (Buffer.byteLength(sourceKey(arrived)) > MOST_SOURCE_BYTES)
    throw refusal(arrived, 'source', `with its route it has more than ${MOST_SOURCE_BYTES} bytes`);
  for (const [name, number] of [
    ['revision', revision],
    ['epoch', epoch],
  ] as const)
    if (number !== undefined && (number < 0n || number > MOST_REVISION))
      throw refusal(arrived, name, `it is ${number}; it must be from 0 to 2^63 - 1`);
  if (Number.isNaN(occurredAt.getTime())) throw refusal(arrived, 'occurredAt', 'it is no time');
}

function idOf({ id, source }: ArrivedMessage): string {
  return isUuid(id) ? id.toLowerCase() : uuidFrom(JSON.stringify([source, id]), NAMESPACE);
}

function metadataOf(arrived: ArrivedMessage): MessageMetadata {
  const { id, source, route, revision } = arrived;
  const known = idOf(arrived);
  // `undefined` takes away what a sender says of itself under these names.
  const origin = { source, sourceRoute: route, sourceRevision: String(revision), sourceId: known === id ? undefined : id };
  try {
    return { ...checkedMetadata({ ...arrived.metadata, ...origin }), correlationId: arrived.metadata.correlationId ?? known };
  } catch (error) {
    if (!isWaybillError(error, 'INVALID_OPTIONS')) throw error;
    throw refusal(arrived, 'metadata', error.message);
  }
}

function refusal({ type }: ArrivedMessage, name: string, message: string): InvalidPayloadError {
  return new InvalidPayloadError(type, [{ message, path: [name] }]);
}
