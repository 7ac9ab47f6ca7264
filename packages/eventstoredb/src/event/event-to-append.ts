import type { OutboxMessage } from '@waybill/core';
import { eventMetadata } from './event-metadata.js';

/** A message as it goes over the wire: the payload's own bytes, never parsed and written anew. */
export interface EventToAppend {
  readonly id: string;
  readonly type: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
  /** What servers from 24.10 on count against their limit; older ones count `data` only. */
  readonly bytes: number;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const NIL = '00000000-0000-0000-0000-000000000000';
/** A server refuses larger requests by ending the connection, and every append on it. */
const MAX_REQUEST_BYTES = 15 * 1024 * 1024;

const utf8 = new TextEncoder();

/** The message's event, or why no server would take it. What is found here would otherwise cost the connection, or be stored changed. */
export function eventToAppend(message: OutboxMessage, maxAppendBytes: number): EventToAppend | { readonly refusal: string } {
  const { id, type, stream, revision, payload } = message;
  if (!UUID.test(id) || id === NIL)
    return { refusal: 'its id is no UUID, or the nil one, which EventStoreDB does not take as an event id' };
  if (type === '') return { refusal: 'its type is empty' };
  if (stream === '' || stream === '$$') return { refusal: `its stream name "${stream}" is one that EventStoreDB does not take` };
  if (revision < 0n) return { refusal: 'its revision is negative' };
  if (!isJson(payload)) return { refusal: 'its payload is not JSON, so no reader of the stream could make anything of it' };

  const metadata = eventMetadata(message);
  if (![type, stream, payload, metadata].every((text) => text.isWellFormed())) {
    return { refusal: 'it holds half a surrogate pair, which EventStoreDB would silently replace by U+FFFD' };
  }
  const event = { id, type, data: utf8.encode(payload), metadata: utf8.encode(metadata) };
  const limit = `the limit is ${maxAppendBytes} (maxAppendBytes). Store the large part elsewhere and refer to it, or raise the limit here and on the server`;
  if (event.data.length > maxAppendBytes) return { refusal: `its payload has ${event.data.length} bytes; ${limit}` };
  const bytes = event.data.length + event.metadata.length + 2 * type.length;
  if (bytes > MAX_REQUEST_BYTES)
    return { refusal: `payload and metadata have ${bytes} bytes; no server takes more than ${MAX_REQUEST_BYTES} at once` };
  return { ...event, bytes };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
