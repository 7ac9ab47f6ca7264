import type { Clock } from '@waybill/core';

/** Why a {@link TimeLimit} was up, when its caller had not given up. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeoutError';
}

/**
 * Up when the time is over or the caller gives up, whichever is first.
 *
 * There is one for each try of each call: a signal, which is what costs most of it, is only made for who needs one.
 */
export class TimeLimit {
  #reason: { readonly error: unknown } | undefined;
  #controller: AbortController | undefined;
  #whenUp: ((error: unknown) => void) | undefined;
  readonly #cancel: () => void;
  readonly #byCaller: (() => void) | undefined;

  constructor(
    clock: Clock,
    ms: number,
    detail: string,
    private readonly caller?: AbortSignal,
  ) {
    this.#cancel = clock.after(ms, () => this.up(new TimeLimitError(detail)));
    if (caller === undefined) return;
    this.#byCaller = (): void => this.up(caller.reason);
    if (caller.aborted) this.#byCaller();
    else caller.addEventListener('abort', this.#byCaller, { once: true });
  }

  get isUp(): boolean {
    return this.#reason !== undefined;
  }

  /** Aborts with the caller's reason, or with a {@link TimeLimitError}. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason.error);
    return this.#controller.signal;
  }

  /** Calls one listener, the last one named; at once if it is up already. */
  whenUp(listener: (error: unknown) => void): void {
    this.#whenUp = listener;
    if (this.#reason !== undefined) listener(this.#reason.error);
  }

  /** Has to be called when what was limited is over: the caller's signal may live for long. */
  end(): void {
    this.#cancel();
    if (this.#byCaller !== undefined) this.caller?.removeEventListener('abort', this.#byCaller);
  }

  private up(error: unknown): void {
    if (this.#reason !== undefined) return;
    this.#reason = { error };
    this.#controller?.abort(error);
    this.#whenUp?.(error);
  }
}

/** Settles as `promise` does, or rejects with the signal's reason as soon as it aborts, whatever `promise` is about. */
export function unlessAborted<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason as Error);
    const listenNoMore = (): void => signal.removeEventListener('abort', giveUp);
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
    promise.then(resolve, reject).finally(listenNoMore);
  });
}
