import { CODES, ServerError } from '../server-error.js';
import type { Ending } from '../store/ending.js';
import type { Steps } from '../store/steps.js';

export interface Patience {
  readonly signal: AbortSignal;
  /** `maxTimeMS`, from the command's arrival on. Undefined: as long as it takes. */
  readonly maxTimeMs: number | undefined;
}

/**
 * Takes the steps to their end, waiting in between.
 *
 * @throws ServerError 50 when it takes too long, 11601 when nobody waits for the answer any more; what was done up to then stays done
 */
export async function finish<Result>(steps: Steps<Result>, { signal, maxTimeMs }: Patience): Promise<Result> {
  const deadline = maxTimeMs === undefined ? undefined : performance.now() + maxTimeMs;
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await wait(step.value, signal, deadline);
  }
}

async function wait(ending: Ending, signal: AbortSignal, deadline: number | undefined): Promise<void> {
  if (ending.isOver) return new Promise((resolve) => setImmediate(resolve)); // its writes are still being published
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: ServerError): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', interrupt);
      if (error) reject(error);
      else resolve();
    };
    const interrupt = (): void => settle(new ServerError(CODES.Interrupted, 'operation was interrupted'));
    const expire = (): void => settle(new ServerError(CODES.MaxTimeMSExpired, 'operation exceeded time limit'));
    const timer = deadline === undefined ? undefined : setTimeout(expire, Math.max(0, deadline - performance.now()));
    signal.addEventListener('abort', interrupt, { once: true });
    if (signal.aborted) return interrupt();
    void ending.over.then(() => settle());
  });
}
