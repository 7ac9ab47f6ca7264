import { InvalidStreamNameError } from '../errors.js';
import type { MessageKind } from './message.js';

/** Longest stream name, in bytes of UTF-8: what a PostgreSQL index row takes, with room to spare. */
export const MAX_STREAM_NAME_BYTES = 1_000;

// Messages that are no aggregate's events have streams of their own, so that they never move an aggregate's head; events and
// commands are apart, so that a sink that gets every event of a stream but no command sees no hole.
const KEYED = { event: 'key-', command: 'command-' } as const;

/** The stream of messages that are no aggregate's events, from their ordering key. */
export function keyedStream(kind: MessageKind, orderingKey: string): string {
  checkText(orderingKey);
  if (orderingKey === '')
    throw new InvalidStreamNameError(orderingKey, 'is empty: choose an ordering key, e.g. the id of what the messages are about');
  return checkName(KEYED[kind] + orderingKey);
}

/** @throws {@link InvalidStreamNameError} */
export function checkAggregateStream(stream: string): string {
  checkText(stream);
  const reserved = Object.values(KEYED).find((prefix) => stream.startsWith(prefix));
  if (reserved)
    throw new InvalidStreamNameError(
      stream,
      `begins with "${reserved}", which is kept for messages that are no aggregate's events; choose another prefix`,
    );
  return checkName(stream);
}

/**
 * The name of a stream as a sender has it: any prefix, for theirs are not ours.
 *
 * @throws {@link InvalidStreamNameError}
 */
export function checkArrivedStream(stream: string): string {
  checkText(stream);
  return checkName(stream);
}

function checkName(stream: string): string {
  if (stream === '') throw new InvalidStreamNameError(stream, 'is empty');
  if (stream.startsWith('$')) throw new InvalidStreamNameError(stream, 'begins with "$", which EventStoreDB keeps for itself');
  if (stream.includes('\0')) throw new InvalidStreamNameError(stream, 'holds a NUL character, which PostgreSQL cannot store');
  if (!stream.isWellFormed()) throw new InvalidStreamNameError(stream, 'holds half a surrogate pair, which stores would change silently');
  const bytes = Buffer.byteLength(stream);
  if (bytes > MAX_STREAM_NAME_BYTES) throw new InvalidStreamNameError(stream, `has ${bytes} bytes; the limit is ${MAX_STREAM_NAME_BYTES}`);
  return stream;
}

// Of an aggregate whose constructor forgot it, or of a program without types.
function checkText(name: unknown): void {
  if (typeof name !== 'string')
    throw new InvalidStreamNameError(
      String(name),
      'is not a string; set `stream` in the constructor of the aggregate, or pass an ordering key',
    );
}
