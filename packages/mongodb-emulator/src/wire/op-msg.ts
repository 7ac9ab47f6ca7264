import { deserialize } from 'bson';
import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { HEADER_BYTES } from './message-header.js';
import { ProtocolError } from './protocol-error.js';
import { FULL_TYPES } from './full-types.js';

const CHECKSUM_PRESENT = 1 << 0;
export const MORE_TO_COME = 1 << 1;
const EXHAUST_ALLOWED = 1 << 16;
/** Bits 0 to 15 must be understood by who reads them; the others may be passed over. */
const UNKNOWN_REQUIRED = 0xffff & ~(CHECKSUM_PRESENT | MORE_TO_COME);

export interface OpMsg {
  readonly body: Document;
  readonly unanswered: boolean;
  readonly exhaustAllowed: boolean;
}

/**
 * Reads an OP_MSG; document sequences become arrays of the body.
 *
 * @throws {@link ProtocolError} it breaks off, or has flags that nobody knows
 * @throws ServerError it has a checksum, which this server does not verify
 */
export function readOpMsg(message: Buffer): OpMsg {
  const flags = message.length < HEADER_BYTES + 5 ? UNKNOWN_REQUIRED : message.readUInt32LE(HEADER_BYTES);
  if (flags & UNKNOWN_REQUIRED) throw new ProtocolError(`An OP_MSG with flags that nobody knows: ${flags}.`);
  if (flags & CHECKSUM_PRESENT) {
    throw new ServerError(CODES.CommandNotSupported, 'This emulator does not verify checksums: send OP_MSG without one.');
  }
  return {
    body: readSections(message),
    unanswered: (flags & MORE_TO_COME) !== 0,
    exhaustAllowed: (flags & EXHAUST_ALLOWED) !== 0,
  };
}

function readSections(message: Buffer): Document {
  let body: Document | undefined;
  const sequences: [string, Document[]][] = [];
  for (let at = HEADER_BYTES + 4; at < message.length;) {
    const kind = message[at]!;
    const section = sized(message, at + 1);
    at += 1 + section.length;
    if (kind === 0 && !body) body = deserialize(section, FULL_TYPES);
    else if (kind === 1) sequences.push(readSequence(section));
    else throw new ProtocolError(kind === 0 ? 'An OP_MSG with two bodies.' : `A section of kind ${kind}: there are 0 and 1.`);
  }
  if (!body) throw new ProtocolError('An OP_MSG without a body.');
  for (const [name, documents] of sequences) body[name] = documents;
  return body;
}

function readSequence(section: Buffer): [string, Document[]] {
  const end = section.indexOf(0, 4);
  if (end < 0) throw new ProtocolError('A document sequence without a name.');
  const documents: Document[] = [];
  for (let at = end + 1; at < section.length;) {
    const document = sized(section, at);
    documents.push(deserialize(document, FULL_TYPES));
    at += document.length;
  }
  return [section.toString('utf8', 4, end), documents];
}

/** The part of `bytes` from `at` that begins with its own length. */
function sized(bytes: Buffer, at: number): Buffer {
  const length = at + 4 <= bytes.length ? bytes.readInt32LE(at) : 0;
  if (length < 5 || at + length > bytes.length) throw new ProtocolError('A section that is longer or shorter than it says.');
  return bytes.subarray(at, at + length);
}
