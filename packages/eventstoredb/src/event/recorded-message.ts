import type { RecordedEvent } from '@eventstore/db-client';
import { InvalidPayloadError } from '@waybill/core';
import type { RecordedMessage } from '@waybill/core';
import { readMetadata } from './event-metadata.js';

/**
 * An event of EventStoreDB as a message.
 *
 * @throws {@link InvalidPayloadError} it is binary, so another program wrote it
 */
export function recordedMessage({ id, streamId, revision, type, isJson, data, metadata, created }: RecordedEvent): RecordedMessage {
  if (!isJson) {
    const what = `it is binary, at revision ${revision} of stream "${streamId}", so another program wrote it (event ${id}); Waybill reads JSON only`;
    throw new InvalidPayloadError(type, [{ message: what }]);
  }
  return { id, stream: streamId, revision, type, json: data, ...readMetadata(id, created, metadata) };
}
