import type { Clock } from '@waybill/core';
import { whenAborted } from './when-aborted.js';

/** Why a {@link TimeLimit} was up, when its caller had not given up. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeoutError';
}

/**
 * Up when the time is over or the caller gives up, whichever is first.
 *
 * There is one for each try of each call, from the wait for its place to its end, and one timer for all that it watches: a timer that is due
 * too early, for times that were renewed or stages that passed, looks again. A signal is only made for who needs one.
 */
export class TimeLimit {
  #reason: { readonly error: unknown } | undefined;
  #controller: AbortController | undefined;
  #whenUp: ((error: unknown) => void) | undefined;
  #ms!: number;
  #detail!: string;
  #endsAt!: number;
  #stageEndsAt = Number.POSITIVE_INFINITY;
  #stageIsOver: (() => void) | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #cancelTimer: (() => void) | undefined;
  readonly #listenNoMore: (() => void) | undefined;

  /** @param detail - what has not happened within `ms` */
  constructor(
    private readonly clock: Clock,
    ms: number,
    detail: string,
    caller?: AbortSignal,
  ) {
    this.renew(ms, detail);
    if (caller === undefined) return;
    if (caller.aborted) this.up(caller.reason);
    else this.#listenNoMore = whenAborted(caller, () => this.up(caller.reason));
  }

  get isUp(): boolean {
    return this.#reason !== undefined;
  }

  /** When the time is over, by the clock's monotonic time. */
  get endsAt(): number {
    return this.#endsAt;
  }

  /** Aborts with the caller's reason, or with a {@link TimeLimitError}. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason.error);
    return this.#controller.signal;
  }

  /** @throws the caller's reason or a {@link TimeLimitError}: it is up */
  throwIfUp(): void {
    if (this.#reason !== undefined) throw this.#reason.error;
  }

  /** Calls one listener, the last one named; at once if it is up already. */
  whenUp(listener: (error: unknown) => void): void {
    this.#whenUp = listener;
    if (this.#reason !== undefined) listener(this.#reason.error);
  }

  /** Settles as `promise` does, or rejects as soon as it is up, whatever `promise` is about. */
  race<Result>(promise: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.whenUp(reject);
      promise.then(resolve, reject);
    });
  }

  /** Another time, from now on, in place of the first. What is up stays up. */
  renew(ms: number, detail: string): void {
    this.#ms = ms;
    this.#detail = detail;
    const now = this.clock.monotonic();
    this.#endsAt = now + ms;
    this.watch(now);
  }

  /** Calls `isOver` after `ms`, in place of what was to be called for the stage before. */
  stage(ms: number, isOver: () => void): void {
    const now = this.clock.monotonic();
    this.#stageEndsAt = now + ms;
    this.#stageIsOver = isOver;
    this.watch(now);
  }

  noStage(): void {
    this.#stageEndsAt = Number.POSITIVE_INFINITY;
    this.#stageIsOver = undefined;
  }

  /** Has to be called when what was limited is over: the caller's signal may live for long. */
  end(): void {
    this.#cancelTimer?.();
    this.#listenNoMore?.();
  }

  private watch(now: number): void {
    const next = Math.min(this.#endsAt, this.#stageEndsAt);
    if (next >= this.#timerAt || this.#reason !== undefined) return;
    this.#cancelTimer?.();
    this.#timerAt = next;
    this.#cancelTimer = this.clock.after(next - now, this.#look);
  }

  readonly #look = (): void => {
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.clock.monotonic();
    if (now >= this.#endsAt) return this.up(new TimeLimitError(`${this.#detail} within ${this.#ms} ms`));
    const isOver = this.#stageIsOver;
    if (now >= this.#stageEndsAt) {
      this.noStage();
      isOver?.();
    }
    this.watch(now);
  };

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
    const listenNoMore = whenAborted(signal, () => reject(signal.reason as Error));
    promise.then(resolve, reject).finally(listenNoMore);
  });
}
