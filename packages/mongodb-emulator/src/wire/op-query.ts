import { deserialize } from 'bson';
import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { HEADER_BYTES } from './message-header.js';
import { ProtocolError } from './protocol-error.js';
import { FULL_TYPES } from './full-types.js';

const HANDSHAKES = new Set(['hello', 'ismaster', 'isMaster']);

/**
 * Reads the one thing that is still said in an OP_QUERY: the handshake.
 *
 * @throws {@link ProtocolError} it breaks off
 * @throws ServerError it is another command
 */
export function readOpQuery(message: Buffer): Document {
  const collectionAt = HEADER_BYTES + 4;
  const end = message.indexOf(0, collectionAt);
  const documentAt = end + 1 + 8; // behind the numbers to skip and to return
  if (end < 0 || documentAt + 5 > message.length) throw new ProtocolError('An OP_QUERY that breaks off.');
  const length = message.readInt32LE(documentAt);
  if (length < 5 || documentAt + length > message.length) throw new ProtocolError('An OP_QUERY that breaks off.');

  const database = message.toString('utf8', collectionAt, end).split('.', 1)[0]!;
  const query = deserialize(message.subarray(documentAt, documentAt + length), FULL_TYPES);
  const body = (query.$query ?? query) as Document;
  const name = Object.keys(body)[0] ?? '';
  if (!HANDSHAKES.has(name)) {
    throw new ServerError(
      CODES.UnsupportedOpQueryCommand,
      `Unsupported OP_QUERY command: ${name}. The client driver may require an upgrade. ` +
        'For more details see https://dochub.mongodb.org/core/legacy-opcode-removal',
    );
  }
  return { ...body, $db: database };
}
