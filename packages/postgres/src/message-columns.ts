import type { MessageKind, MessageMetadata, StoredMessage } from '@waybill/core';

// Everything as text: query builders and applications override type parsers, and text is what all of them leave alone.
export const MESSAGE_COLUMNS = `
  o.id::text as id, o.kind, o.type, o.stream, o.revision::text as revision, o.schema_version::text as schema_version, o.codec,
  o.payload::text as payload, o.metadata::text as metadata, (date_part('epoch', o.occurred_at) * 1000)::bigint::text as occurred_ms`;

export interface MessageColumns {
  readonly id: string;
  readonly kind: MessageKind;
  readonly type: string;
  readonly stream: string;
  readonly revision: string;
  readonly schema_version: string;
  readonly codec: string;
  readonly payload: string;
  readonly metadata: string;
  readonly occurred_ms: string;
}

export function storedMessage(row: MessageColumns): StoredMessage {
  return {
    id: row.id,
    kind: row.kind,
    type: row.type,
    stream: row.stream,
    revision: BigInt(row.revision),
    schemaVersion: Number(row.schema_version),
    codec: row.codec,
    payload: row.payload,
    metadata: JSON.parse(row.metadata) as MessageMetadata,
    occurredAt: new Date(Number(row.occurred_ms)),
  };
}
