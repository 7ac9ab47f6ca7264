import type { Document } from 'bson';
import { HEADER_BYTES, OP_MSG, OP_REPLY, writeHeader } from './message-header.js';
import { MORE_TO_COME } from './op-msg.js';
import { serializeReply } from './serialize-reply.js';

export interface Reply {
  readonly requestId: number;
  readonly responseTo: number;
  readonly kind: 'OP_MSG' | 'OP_REPLY';
  readonly body: Document;
  /** Another answer follows without being asked for. */
  readonly moreToCome?: boolean;
}

const AWAIT_CAPABLE = 8;

export function writeReply({ requestId, responseTo, kind, body, moreToCome = false }: Reply): Buffer {
  const prefix = HEADER_BYTES + (kind === 'OP_MSG' ? 5 : 20);
  const message = serializeReply(body, prefix);
  writeHeader(message, { length: message.length, requestId, responseTo, opCode: kind === 'OP_MSG' ? OP_MSG : OP_REPLY });
  if (kind === 'OP_MSG') {
    message.writeUInt32LE(moreToCome ? MORE_TO_COME : 0, HEADER_BYTES);
    message[HEADER_BYTES + 4] = 0; // one section, a body
  } else {
    message.fill(0, HEADER_BYTES, prefix);
    message.writeInt32LE(AWAIT_CAPABLE, HEADER_BYTES);
    message.writeInt32LE(1, HEADER_BYTES + 16); // documents
  }
  return message;
}
