import type { Clock } from '@waybill/core';

/** Why a signal of {@link timeLimit} aborted, when its caller's did not. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeoutError';
}

export interface TimeLimit {
  /** Aborts with the caller's reason, or with a {@link TimeLimitError}. */
  readonly signal: AbortSignal;
  /** Has to be called when what was limited is over: the caller's signal may live for long. */
  readonly end: () => void;
}

export function timeLimit(clock: Clock, ms: number, detail: string, caller?: AbortSignal): TimeLimit {
  const controller = new AbortController();
  const byCaller = (): void => controller.abort(caller?.reason);
  const cancel = clock.after(ms, () => controller.abort(new TimeLimitError(detail)));
  if (caller?.aborted === true) byCaller();
  else caller?.addEventListener('abort', byCaller, { once: true });
  return {
    signal: controller.signal,
    end: () => {
      cancel();
      caller?.removeEventListener('abort', byCaller);
    },
  };
}

/** Settles as `promise` does, or rejects with the signal's reason as soon as it aborts, whatever `promise` is about. */
export function unlessAborted<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason as Error);
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}
