import { InvalidOptionsError } from '../errors.js';

const MOST_BYTES = 200;

/**
 * The durable name of a receiver: what it took is remembered under it.
 *
 * @throws {@link InvalidOptionsError}
 */
export function checkReceiverName(name: unknown): string {
  if (typeof name !== 'string' || name === '')
    throw new InvalidOptionsError('A receiver needs a name: what it took is remembered under it. Pass { name }, and never change it.');
  if (name.includes('\0') || !name.isWellFormed() || Buffer.byteLength(name) > MOST_BYTES)
    throw new InvalidOptionsError(
      `The receiver's name ${JSON.stringify(name.slice(0, 80))} is more than ${MOST_BYTES} bytes, or holds a NUL character or half a surrogate pair; choose another.`,
    );
  return name;
}
