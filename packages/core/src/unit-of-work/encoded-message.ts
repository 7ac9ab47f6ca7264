import { PayloadTooLargeError } from '../errors.js';
import type { Catalogue } from '../message/catalogue.js';
import type { DomainEvent } from '../message/domain-event.js';
import type { MessageToAppend, StreamAppend } from '../outbox/outbox-store.js';
import { streamHash } from '../outbox/stream-hash.js';

/** Largest payload in bytes of JSON text, where nobody says otherwise: what EventStoreDB takes, less room for metadata. */
export const MAX_PAYLOAD_BYTES = 1_000_000;

export interface EncodeOptions extends Pick<MessageToAppend, 'id' | 'occurredAt' | 'metadata' | 'aggregate'> {
  readonly catalogue: Catalogue;
  /** For errors: the stream, or what it is made from. */
  readonly stream: string;
  readonly maxPayloadBytes: number;
}

export interface EncodedMessage {
  readonly message: MessageToAppend;
  /** As its schema gave it back. */
  readonly data: unknown;
}

/**
 * A message on its way into a stream.
 *
 * @throws {@link UnknownMessageTypeError}, {@link InvalidPayloadError}, {@link PayloadTooLargeError}
 */
// Field by field: this runs for every message, and spreading objects into each other was a tenth of a commit's time in this process.
export function encodedMessage(event: DomainEvent, options: EncodeOptions): EncodedMessage {
  const { catalogue, stream, maxPayloadBytes, id, occurredAt, metadata, aggregate } = options;
  const { type, kind, schemaVersion, codec, payload, data } = catalogue.encode(event);
  const bytes = Buffer.byteLength(payload);
  if (bytes > maxPayloadBytes) throw new PayloadTooLargeError(type, stream, bytes, maxPayloadBytes);
  return { data, message: { id, kind, type, schemaVersion, codec, payload, metadata, occurredAt, aggregate } };
}

/** An append that grows while messages are staged. */
export type GrowingAppend = StreamAppend & { readonly messages: MessageToAppend[] };

/** Nothing yet, into the stream of an ordering key. */
export const keyedAppend = (stream: string, expected: StreamAppend['expected'] = 'any'): GrowingAppend => ({
  ...{ stream, hash: streamHash(stream), expected, adopt: false, messages: [] },
});
