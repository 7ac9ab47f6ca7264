import type { CallAttempt, CallOptions } from './call-options.js';
import type { HttpAnswer, HttpRequest } from './http/http-request.js';
import type { PolicyOptions } from './policy-options.js';
import type { PolicyChange, PolicyState, PolicyStats } from './policy-stats.js';

/**
 * How calls to one target are made: within which limits, and what becomes of an answer that is lost.
 *
 * One policy for one target, used by everybody who calls it; its statistics and its breaker are the target's.
 */
export class Policy {
  constructor(private readonly options: PolicyOptions) {}

  get name(): string {
    return this.options.name;
  }

  get state(): PolicyState {
    return 'ready';
  }

  /**
   * Makes a call under all limits.
   *
   * @throws {@link TargetUnavailableError} nothing was done at the target, and the tries are used up
   * @throws {@link OutcomeUnknownError} it may have been done; `final` where only a person can find out
   * @throws {@link InvalidOptionsError} `onUnknownOutcome` is `query`, and the call has no `query`
   * @throws what `work` threw, where the target has answered; the reason of `signal`, where nothing was sent
   */
  call<Result>(_work: (attempt: CallAttempt) => Promise<Result>, _options: CallOptions<Result>): Promise<Result> {
    throw new Error('not there yet');
  }

  /** Makes an HTTP request under all limits. Throws what {@link Policy.call} throws; an answer of any status resolves, unless `judge` says otherwise. */
  request(_request: HttpRequest): Promise<HttpAnswer> {
    throw new Error('not there yet');
  }

  stats(): PolicyStats {
    throw new Error('not there yet');
  }

  /** Turns all calls away, until `resume`. */
  suspend(_reason: string): void {
    throw new Error('not there yet');
  }

  /** A person says that the target is well: ends what `suspend` began, and what breaker and `Retry-After` hold back. */
  resume(): void {
    throw new Error('not there yet');
  }

  /** Calls `listener` at each change of `state` from then on. The returned function ends that. */
  onChange(_listener: (change: PolicyChange) => void): () => void {
    throw new Error('not there yet');
  }

  /** Turns calls away from now on, lets those under way finish, and closes the connections. Idempotent. */
  async close(): Promise<void> {
    throw new Error('not there yet');
  }
}
