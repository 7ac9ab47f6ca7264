import type { Catalogue } from '../message/catalogue.js';
import { payloadText } from '../message/catalogue.js';
import { jsonCodec } from '../message/codec.js';
import type { MessageDefinition } from '../message/definition.js';
import type { Message, MessageKind, MessageMetadata } from '../message/message.js';
import { SKIPPED_TYPE } from '../message/stored-message.js';
import type { OutboxRow } from './outbox-row.js';

/**
 * What sinks get: a committed message in today's shape.
 *
 * `payload` is the stored text, untouched, where the row is of today's schema version or of a type that this process does not
 * know; otherwise it is made from the upcast data. `data` is parsed, upcast and validated on first use: a sink that only
 * forwards text never pays for it.
 */
export type OutboxMessage = Message & {
  readonly position: bigint;
  readonly recordedAt: Date;
  readonly codec: string;
  /** JSON text, as `codec` wrote it. */
  readonly payload: string;
  /** False for types, and schema versions, that this process does not know: they are passed on as stored. */
  readonly known: boolean;
};

/**
 * Brings a row to today's shape. An outdated row is upcast at once, so that one that cannot be read stops here and not in a sink.
 *
 * @throws {@link InvalidPayloadError} an outdated payload does not fit its schema, or its upcaster failed
 */
export function outboxMessage(row: OutboxRow, catalogue: Catalogue): OutboxMessage {
  const definition = catalogue.find(row.type);
  if (!definition || !catalogue.knows(row)) return new LazyMessage(row, undefined);
  if (row.schemaVersion === definition.schemaVersion && row.type === definition.type) return new LazyMessage(row, definition);

  const data = definition.upcast(definition.codec.decode(JSON.parse(row.payload)), row.schemaVersion);
  return new LazyMessage(row, definition, {
    type: definition.type,
    schemaVersion: definition.schemaVersion,
    codec: row.codec,
    payload: payloadText(definition, data),
  });
}

/** What a sink that needs whole streams gets in place of a message that a person passed by. */
export function skippedMessage(row: OutboxRow, reason: string): OutboxMessage {
  const payload = JSON.stringify({ skipped: row.type, reason });
  return new LazyMessage(row, undefined, { type: SKIPPED_TYPE, schemaVersion: 1, codec: jsonCodec.name, payload });
}

class LazyMessage implements OutboxMessage {
  readonly id: string;
  readonly kind: MessageKind;
  readonly type: string;
  readonly stream: string;
  readonly revision: bigint;
  readonly schemaVersion: number;
  readonly position: bigint;
  readonly codec: string;
  readonly payload: string;
  readonly known: boolean;
  readonly #row: OutboxRow;
  readonly #definition: MessageDefinition | undefined;
  #metadata: MessageMetadata | undefined;
  #data: { readonly value: unknown } | undefined;

  constructor(
    row: OutboxRow,
    definition: MessageDefinition | undefined,
    content: Pick<OutboxMessage, 'type' | 'schemaVersion' | 'codec' | 'payload'> = row,
  ) {
    this.id = row.id;
    this.kind = row.kind;
    this.stream = row.stream;
    this.revision = row.revision;
    this.position = row.position;
    this.type = content.type;
    this.schemaVersion = content.schemaVersion;
    this.codec = content.codec;
    this.payload = content.payload;
    this.known = definition !== undefined;
    this.#row = row;
    this.#definition = definition;
  }

  get metadata(): MessageMetadata {
    return (this.#metadata ??= this.#row.metadata);
  }

  get occurredAt(): Date {
    return this.#row.occurredAt;
  }

  get recordedAt(): Date {
    return this.#row.recordedAt;
  }

  get data(): unknown {
    this.#data ??= { value: this.#read() };
    return this.#data.value;
  }

  #read(): unknown {
    const json: unknown = JSON.parse(this.payload);
    return this.#definition ? this.#definition.validate(this.#definition.codec.decode(json)) : json;
  }
}
