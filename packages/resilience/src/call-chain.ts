import { delay, InvalidOptionsError, isWaybillError, OutcomeUnknownError, TargetUnavailableError } from '@waybill/core';
import { Backoff } from './backoff.js';
import type { CallOptions } from './call-options.js';
import { detailOf } from './detail-of.js';
import type { PolicySettings } from './policy-settings.js';
import type { Tried } from './tried.js';
import { TimeLimit } from './time-limit.js';

/** Makes one try under all limits, 1 being the first. Rejects with a {@link TargetUnavailableError} where none was made, and with the caller's reason. */
export type MakeTry<Result> = (attempt: number) => Promise<Tried<Result>>;

/** Why it may have been done. */
interface Doubt {
  readonly detail: string;
  readonly cause?: unknown;
}

// In one call; after that the lane asks again, at its own pace.
const MOST_QUESTIONS = 3;

/**
 * One call: try, and try again where nothing was done, or where the target may be asked twice; where nobody knows, ask or stop.
 *
 * A doubt stays until the target has answered: that a later try did not get through says nothing about an earlier one that did.
 */
export class CallChain<Result> {
  #backoff: Backoff | undefined;
  #tries = 0;
  #doubt: Doubt | undefined;

  constructor(
    private readonly settings: PolicySettings,
    private readonly options: CallOptions<Result>,
    private readonly makeTry: MakeTry<Result>,
  ) {
    const { key, query, mayBeRepeat = false } = options;
    if (typeof key !== 'string' || key === '')
      throw new InvalidOptionsError(`A call of policy "${settings.name}" needs a key: its idempotency key.`);
    if (settings.onUnknownOutcome === 'query' && query === undefined) {
      throw new InvalidOptionsError(
        `Policy "${settings.name}" asks its target what became of a call (onUnknownOutcome "query"): give the call a \`query\`, or choose another way.`,
      );
    }
    if (mayBeRepeat) this.#doubt = { detail: 'it may have been sent before, by this process or another' };
  }

  async run(): Promise<Result> {
    this.options.signal?.throwIfAborted();
    for (;;) {
      if (this.#doubt !== undefined) {
        const known = await this.resolveDoubt(this.#doubt);
        if (known !== undefined) return known.result;
      }
      this.#tries += 1;
      const tried = await this.makeTry(this.#tries).catch((error: unknown) => this.notTried(error));
      if (tried.outcome === 'done') return tried.result;
      if (tried.outcome === 'answered') throw tried.error;
      if (tried.outcome === 'unknown') this.#doubt = { detail: detailOf(tried.error), cause: tried.error };
      else if (tried.retryAfterMs !== undefined || !this.mayTryAgain()) throw this.unavailable(tried.error, tried.retryAfterMs);
      if (tried.outcome === 'not-done') await this.pause();
    }
  }

  private notTried(error: unknown): never {
    if (this.#doubt !== undefined) throw this.unknown(this.#doubt.detail, error);
    throw error;
  }

  /** What became of it, if that is known now; `undefined`: send. */
  private async resolveDoubt(doubt: Doubt): Promise<{ readonly result: Result } | undefined> {
    const { onUnknownOutcome } = this.settings;
    if (onUnknownOutcome === 'halt' || this.options.signal?.aborted === true) throw this.unknown(doubt.detail, doubt.cause);
    if (onUnknownOutcome === 'query') return this.ask(doubt);
    if (this.#tries === 0) return undefined;
    if (!this.mayTryAgain()) throw this.unknown(doubt.detail, doubt.cause);
    await this.pause();
    return undefined;
  }

  private async ask(doubt: Doubt): Promise<{ readonly result: Result } | undefined> {
    let cause = doubt.cause;
    for (let question = 1; ; question += 1) {
      const answer = await this.askOnce().catch((error: unknown) => ({ outcome: 'unknown', error }) as const);
      if (answer.outcome === 'done') return { result: answer.result };
      if (answer.outcome === 'not-done') {
        this.#doubt = undefined;
        if (this.#tries === 0 || this.mayTryAgain()) return undefined;
        throw this.unavailable(cause, undefined, `it was not done, as it says itself (${doubt.detail})`);
      }
      if ('error' in answer) cause = answer.error;
      if (question === MOST_QUESTIONS || this.options.signal?.aborted === true) {
        throw this.unknown(`${doubt.detail}, and it does not know either`, cause);
      }
      await this.pause();
    }
  }

  private async askOnce(): ReturnType<NonNullable<CallOptions<Result>['query']>> {
    const { clock, limits } = this.settings;
    const limit = new TimeLimit(clock, limits.callMs, 'no answer to the question', this.options.signal);
    try {
      return await limit.race(this.options.query!(this.options.key, { signal: limit.signal }));
    } finally {
      limit.end();
    }
  }

  private mayTryAgain(): boolean {
    return this.#tries <= this.settings.retry.most;
  }

  private async pause(): Promise<void> {
    const { clock, retry, random } = this.settings;
    const { signal } = this.options;
    this.#backoff ??= new Backoff(retry, random);
    await delay(clock, this.#backoff.nextMs(), signal);
    if (signal?.aborted !== true) return;
    if (this.#doubt !== undefined) throw this.unknown(this.#doubt.detail, signal.reason);
    throw signal.reason;
  }

  private unavailable(cause: unknown, retryAfterMs: number | undefined, detail = detailOf(cause)): Error {
    if (this.#doubt !== undefined) return this.unknown(this.#doubt.detail, cause);
    if (isWaybillError(cause, 'TARGET_UNAVAILABLE') && cause.target === this.settings.name) return cause;
    return new TargetUnavailableError(this.settings.name, detail, { cause, retryAfterMs });
  }

  private unknown(detail: string, cause: unknown): OutcomeUnknownError {
    const { name, onUnknownOutcome } = this.settings;
    return new OutcomeUnknownError(name, this.options.key, detail, { cause, final: onUnknownOutcome === 'halt' });
  }
}
