import { refusePrototypeKeys } from '../message/catalogue.js';
import type { Catalogue } from '../message/catalogue.js';
import type { Message } from '../message/message.js';
import type { Arrival } from '../receiver/arrival.js';

/**
 * A message of a log as its projectors see it inline: in today's shape, with its own id, place and metadata.
 *
 * @throws {@link UnknownMessageTypeError}, {@link InvalidPayloadError} it cannot be read
 */
export function projectedMessage(arrival: Arrival, catalogue: Catalogue): Message {
  if (arrival.kind === 'unreadable') throw arrival.unreadable.error;
  const { id, kind, type, stream, revision, occurredAt, schemaVersion, codec, metadata, json } = arrival.message;
  refusePrototypeKeys(type, json);
  return catalogue.decode({ id, kind, type, stream, revision, occurredAt, schemaVersion, codec, metadata, json: json ?? null });
}
