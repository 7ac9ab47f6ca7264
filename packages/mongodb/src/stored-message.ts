import { SKIPPED_TYPE } from '@waybill/core';
import type { MessageMetadata, StoredMessage } from '@waybill/core';
import type { OutboxDocument } from './stored-documents.js';

/** What the outbox keeps of a message, as it is delivered and replayed. */
export function storedMessage(document: OutboxDocument): StoredMessage {
  const { id, kind, schemaVersion, codec, payload, occurredAt } = document;
  const type = document.placeholder ? SKIPPED_TYPE : document.type;
  const { stream } = document._id;
  const revision = document._id.revision.toBigInt();
  const metadata = JSON.parse(document.metadata) as MessageMetadata;
  return { id, kind, type, stream, revision, schemaVersion, codec, payload, metadata, occurredAt };
}
