import type { RecordedEvent } from '@eventstore/db-client';
import { isWaybillError } from '@waybill/core';
import type { Arrival } from '@waybill/core';
import { recordedMessage } from '../event/recorded-message.js';

/** An event as it arrives here. A binary one can be no message, which is for its reader to judge. */
export function arrivalOf(event: RecordedEvent, source: string): Arrival {
  try {
    return { kind: 'message', message: { ...recordedMessage(event), source } };
  } catch (error) {
    if (!isWaybillError(error, 'INVALID_PAYLOAD')) throw error;
    const { id, type, streamId, revision } = event;
    return { kind: 'unreadable', unreadable: { id, type, stream: streamId, revision, error } };
  }
}
