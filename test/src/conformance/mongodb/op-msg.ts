import { deserialize, serialize } from 'bson';
import type { Document } from 'bson';

export const OP_REPLY = 1;
export const OP_QUERY = 2004;
export const OP_MSG = 2013;
const HEADER_BYTES = 16;

/** Bits of an OP_MSG. `exhaustAllowed` lets the server answer one request many times. */
export const FLAGS = { checksumPresent: 1, moreToCome: 2, exhaustAllowed: 65_536 } as const;

export interface Message {
  readonly requestId: number;
  readonly responseTo: number;
  readonly opCode: number;
  readonly flags: number;
  readonly document: Document;
}

export interface Outgoing {
  readonly requestId: number;
  readonly flags?: number;
  readonly document: Document;
  /** Arrays that travel as sections of kind 1, as a driver sends `documents`, `updates` and `deletes`. */
  readonly sequences?: Readonly<Record<string, readonly Document[]>>;
}

/** One OP_MSG, header included. Values of JavaScript's `bigint` go out as int64. */
export function encodeMessage({ requestId, flags = 0, document, sequences = {} }: Outgoing): Buffer {
  const sections: Uint8Array[] = [Buffer.of(0), bytesOf(document)];
  for (const [name, documents] of Object.entries(sequences)) {
    const title = Buffer.from(`${name}\0`);
    const items = documents.map(bytesOf);
    const size = 4 + title.length + items.reduce((sum, { length }) => sum + length, 0);
    sections.push(Buffer.of(1), int32(size), title, ...items);
  }
  return withHeader(requestId, OP_MSG, [int32(flags), ...sections]);
}

/** The legacy query that a driver opens every socket with: `hello` to `admin.$cmd`, before it knows what the server speaks. */
export function encodeLegacyQuery(requestId: number, document: Document): Buffer {
  return withHeader(requestId, OP_QUERY, [int32(0), Buffer.from('admin.$cmd\0'), int32(0), int32(-1), bytesOf(document)]);
}

/** Reads the first whole message, an OP_MSG or an OP_REPLY; `undefined` while bytes are missing. */
export function decodeMessage(bytes: Buffer, promoteValues: boolean): { message: Message; length: number } | undefined {
  if (bytes.length < 4 || bytes.length < bytes.readInt32LE(0)) return undefined;
  const length = bytes.readInt32LE(0);
  const [requestId, responseTo, opCode, flags] = [4, 8, 12, 16].map((at) => bytes.readInt32LE(at)) as [number, number, number, number];
  const body = bytes.subarray(HEADER_BYTES, length);
  const at = opCode === OP_REPLY ? 20 : 5; // behind flags, cursor, start and count; behind flags and the section's kind
  if (opCode === OP_MSG && body[4] !== 0) throw new Error(`A reply has a section of kind ${body[4]}; drivers read kind 0 alone.`);
  const document = deserialize(
    body.subarray(at, at + body.readInt32LE(at)),
    promoteValues ? { useBigInt64: true } : { promoteValues, bsonRegExp: true },
  );
  if (at + body.readInt32LE(at) !== body.length) throw new Error('A reply has bytes behind its document.');
  return { message: { requestId, responseTo, opCode, flags, document }, length };
}

function withHeader(requestId: number, opCode: number, body: readonly Uint8Array[]): Buffer {
  const length = HEADER_BYTES + body.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([int32(length), int32(requestId), int32(0), int32(opCode), ...body]);
}

function bytesOf(document: Document): Uint8Array {
  return serialize(document, { ignoreUndefined: true });
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
