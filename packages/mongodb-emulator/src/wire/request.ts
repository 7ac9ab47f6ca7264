import type { Document } from 'bson';
import { OP_COMPRESSED, OP_MSG, OP_QUERY, readHeader } from './message-header.js';
import { readOpMsg } from './op-msg.js';
import { readOpQuery } from './op-query.js';
import { ProtocolError } from './protocol-error.js';

/** One command as it came in. */
export interface Request {
  readonly id: number;
  /** The command, its name first; `$db` tells on which database. */
  readonly body: Document;
  /** Which kind of message carries the answer. */
  readonly answer: 'OP_MSG' | 'OP_REPLY';
  /** The client wants no answer. */
  readonly unanswered: boolean;
  /** The client takes further answers without asking for them. */
  readonly exhaustAllowed: boolean;
}

/**
 * @throws {@link ProtocolError} it is no message that can be read; the connection has to end
 * @throws ServerError it can be read, and is refused
 */
export function readRequest(message: Buffer): Request {
  const { requestId, opCode } = readHeader(message);
  if (opCode === OP_MSG) return { id: requestId, answer: 'OP_MSG', ...readOpMsg(message) };
  if (opCode === OP_QUERY)
    return { id: requestId, answer: 'OP_REPLY', unanswered: false, exhaustAllowed: false, body: readOpQuery(message) };
  if (opCode === OP_COMPRESSED) throw new ProtocolError('A compressed message, though no compression was agreed.');
  throw new ProtocolError(`Messages of kind ${opCode} are not spoken here.`);
}
