import type { Clock } from './clock.js';
import { DatabaseUnavailableError } from './errors.js';

/**
 * The database's answer. Rejects when there is none in time, for a connection can be gone without a word; an answer that comes later is
 * left alone.
 *
 * @param mute - what it rejects with. Default {@link DatabaseUnavailableError}
 */
export async function answeredWithin<Answer>(
  ms: number,
  clock: Clock,
  answer: Promise<Answer>,
  mute = (): Error => new DatabaseUnavailableError(`it has not answered for ${ms} ms`),
): Promise<Answer> {
  let cancel = (): void => {};
  const silence = new Promise<never>((_, reject) => {
    cancel = clock.after(ms, () => reject(mute()));
  });
  try {
    return await Promise.race([answer, silence]);
  } finally {
    cancel();
  }
}
