import { serialize } from 'bson';
import type { Document } from 'bson';
import { bytesOf } from '../store/document-bytes.js';

const ARRAY = 0x04;
const DOCUMENT = 0x03;
/** An int32 length in front, a zero behind. */
const FRAME_BYTES = 5;

/**
 * Serializes an answer behind `prefix` bytes that are left for the caller to fill. The documents of a cursor's batch are copied if they
 * are bytes already; a batch may be longer than the serializer's own limit of one document.
 */
export function serializeReply(body: Document, prefix: number): Buffer {
  const batch = batchOf(body);
  if (!batch) return whole(serialize(body), prefix);

  const { cursor, ...others } = body;
  const { [batch]: documents, ...rest } = cursor as Document;
  const items = (documents as Document[]).map(bytesOf);
  const ofBody = serialize(others);
  const ofCursor = serialize(rest);
  const arrayBytes = FRAME_BYTES + items.reduce((sum, item, index) => sum + 2 + digits(index) + item.length, 0);
  const cursorBytes = ofCursor.length + 1 + batch.length + 1 + arrayBytes;
  const message = Buffer.allocUnsafe(prefix + ofBody.length + 1 + 'cursor'.length + 1 + cursorBytes);

  let at = message.writeInt32LE(message.length - prefix, prefix);
  at = opening(message, at, DOCUMENT, 'cursor', cursorBytes);
  at = opening(message, at, ARRAY, batch, arrayBytes);
  items.forEach((item, index) => {
    message[at++] = DOCUMENT;
    at += message.write(String(index), at, 'latin1');
    message[at++] = 0;
    message.set(item, at);
    at += item.length;
  });
  message[at++] = 0;
  message.set(ofCursor.subarray(4), at); // its fields, and the zero behind them
  message.set(ofBody.subarray(4), at + ofCursor.length - 4);
  return message;
}

function batchOf({ cursor }: Document): 'firstBatch' | 'nextBatch' | undefined {
  if (typeof cursor !== 'object' || cursor === null) return undefined;
  if ('firstBatch' in cursor) return 'firstBatch';
  return 'nextBatch' in cursor ? 'nextBatch' : undefined;
}

function whole(bytes: Uint8Array, prefix: number): Buffer {
  const message = Buffer.allocUnsafe(prefix + bytes.length);
  message.set(bytes, prefix);
  return message;
}

function opening(message: Buffer, start: number, type: number, name: string, bytes: number): number {
  let at = start;
  message[at++] = type;
  at += message.write(name, at, 'latin1');
  message[at++] = 0;
  return message.writeInt32LE(bytes, at);
}

function digits(index: number): number {
  if (index < 10) return 1;
  if (index < 100) return 2;
  return index < 1000 ? 3 : String(index).length;
}
