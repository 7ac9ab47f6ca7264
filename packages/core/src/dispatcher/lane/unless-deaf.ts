import type { Clock } from '../../clock.js';

/** For who listens, and has to clean up first. */
const DEAF_AFTER_MS = 1_000;

/** The answer of who was handed `signal`. Rejects when there is none a second after it aborted: nobody must hold up a stop, or a lane, for good. */
export async function unlessDeaf<Answer>(answer: Promise<Answer>, signal: AbortSignal, clock: Clock): Promise<Answer> {
  let cancel = (): void => {};
  let onAbort = (): void => {};
  const deaf = new Promise<never>((_, reject) => {
    onAbort = () => {
      cancel = clock.after(DEAF_AFTER_MS, () => reject(new Error('it was told to stop, and did not answer')));
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([answer, deaf]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    cancel();
  }
}
