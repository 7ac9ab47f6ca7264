import type { Clock } from '../clock.js';

/** How long something that is cut short may take to end. */
const GRACE_MS = 1_000;

/** What came of work that may be cut short. */
export type Ending = { readonly kind: 'done' } | { readonly kind: 'failed'; readonly error: unknown } | { readonly kind: 'abandoned' };

/** Waits for the work to end; after its signal has aborted only for a moment, for it may not listen. What it does later is fenced. */
export async function endOf(work: Promise<void>, signal: AbortSignal, clock: Clock): Promise<Ending> {
  let cancel = (): void => {};
  const abandoned = new Promise<Ending>((resolve) => {
    const waitAMoment = (): void => void (cancel = clock.after(GRACE_MS, () => resolve({ kind: 'abandoned' })));
    if (signal.aborted) return waitAMoment();
    signal.addEventListener('abort', waitAMoment, { once: true });
    cancel = () => signal.removeEventListener('abort', waitAMoment);
  });
  const ended = work.then(
    (): Ending => ({ kind: 'done' }),
    (error: unknown): Ending => ({ kind: 'failed', error }),
  );
  try {
    return await Promise.race([ended, abandoned]);
  } finally {
    cancel();
  }
}
