import type { MessageFields, MessageMetadata, OutboxMessage } from '@waybill/core';

/** What Waybill writes beside `$correlationId`, `$causationId` and the application's own keys, under the key `waybill`. */
interface WaybillFields {
  readonly kind: MessageFields['kind'];
  readonly schemaVersion: number;
  readonly codec: string;
  /** ISO 8601. */
  readonly occurredAt: string;
  /** Keys of the application's that would have collided with one of ours. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const RESERVED = new Set(['$correlationId', '$causationId', 'waybill']);

/** The event metadata of a message, as JSON text. */
export function eventMetadata({ metadata, kind, schemaVersion, codec, occurredAt }: OutboxMessage): string {
  const { correlationId, causationId, ...own } = metadata;
  const waybill = { kind, schemaVersion, codec, occurredAt: occurredAt.toISOString() };
  const ids = { $correlationId: correlationId, $causationId: causationId };
  if (!Object.keys(own).some((key) => RESERVED.has(key))) return JSON.stringify({ ...ids, ...own, waybill });

  const [free, colliding] = [false, true].map((collides) =>
    Object.fromEntries(Object.entries(own).filter(([key]) => RESERVED.has(key) === collides)),
  );
  return JSON.stringify({ ...ids, ...free, waybill: { ...waybill, metadata: colliding } });
}

export interface ReadMetadata extends Pick<MessageFields, 'kind' | 'schemaVersion' | 'metadata'> {
  readonly codec: string;
  readonly occurredAt: Date;
}

/**
 * The other way round. What another program wrote is an event of schema version 1 in plain JSON; of its metadata the texts are kept, and
 * an event without correlation begins a conversation of its own.
 */
export function readMetadata(eventId: string, createdAt: Date, stored: unknown): ReadMetadata {
  const { $correlationId, $causationId, waybill, ...own } = asRecord(stored);
  const fields = isWaybillFields(waybill) ? waybill : undefined;
  const texts = Object.entries({ ...own, ...fields?.metadata }).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const metadata: MessageMetadata = {
    ...Object.fromEntries(texts),
    correlationId: typeof $correlationId === 'string' ? $correlationId : eventId,
    ...(typeof $causationId === 'string' && { causationId: $causationId }),
  };
  if (!fields) return { kind: 'event', schemaVersion: 1, codec: 'json', occurredAt: createdAt, metadata };
  const { kind, schemaVersion, codec, occurredAt } = fields;
  return { kind, schemaVersion, codec, occurredAt: new Date(occurredAt), metadata };
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array) ? (value as Record<string, unknown>) : {};
}

function isWaybillFields(value: unknown): value is WaybillFields {
  const { kind, schemaVersion, codec, occurredAt } = asRecord(value);
  const written = typeof occurredAt === 'string' && !Number.isNaN(Date.parse(occurredAt));
  return (kind === 'event' || kind === 'command') && Number.isInteger(schemaVersion) && typeof codec === 'string' && written;
}
