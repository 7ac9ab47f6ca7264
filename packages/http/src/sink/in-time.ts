import type { Clock } from '@waybill/core';

const WITHIN_MS = 30_000;

interface Patience {
  readonly clock: Clock;
  /** Of who waits for it. */
  readonly signal: AbortSignal;
}

/**
 * What a function of the application's answers. One that never does must not hold up a lane for good.
 *
 * @param what - the option that the function is given by
 * @throws Error no answer within 30 seconds, or the delivery was given up
 */
export async function inTime<Answer>(what: string, answer: Answer | Promise<Answer>, { clock, signal }: Patience): Promise<Answer> {
  if (!(answer instanceof Promise)) return answer;
  let waitNoMore = (): void => {};
  const late = new Promise<never>((_, reject) => {
    const giveUp = (): void => reject(new Error(`given up while \`${what}\` was waited for`));
    const cancel = clock.after(WITHIN_MS, () => reject(new Error(`\`${what}\` gave no answer within ${WITHIN_MS} ms`)));
    waitNoMore = () => {
      cancel();
      signal.removeEventListener('abort', giveUp);
    };
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    waitNoMore();
  }
}
