import { InvalidOptionsError } from '../errors.js';
import { isPlainText } from '../plain-text.js';

interface Query {
  readonly messageId?: unknown;
  readonly stream?: unknown;
  readonly from?: unknown;
  readonly most?: unknown;
}

const MOST_ANSWERED = 10_000;

/**
 * Each database would answer it differently, where no compiler has looked at it.
 *
 * @throws {@link InvalidOptionsError}
 */
export function refuseOddQuery({ messageId, stream, from, most }: Query): void {
  const about = [messageId, stream].filter((one) => one !== undefined);
  if (about.length !== 1 || !about.every(isPlainText))
    throw new InvalidOptionsError('What is asked for must be said: either { messageId } or { stream }, with text that is not empty.');
  if (from !== undefined && typeof from !== 'bigint') throw new InvalidOptionsError('from must be a bigint.');
  refuseOddMost(most);
}

/** @throws {@link InvalidOptionsError} */
export function refuseOddMost(most: unknown): void {
  if (most !== undefined && !(Number.isInteger(most) && Number(most) >= 1 && Number(most) <= MOST_ANSWERED))
    throw new InvalidOptionsError(`most is ${typeof most === 'number' ? most : typeof most}; it must be a whole number from 1 to 10,000.`);
}
