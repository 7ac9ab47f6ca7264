import { isWaybillError, TargetUnavailableError } from '@waybill/core';
import { Breaker } from './breaker.js';
import { CallChain } from './call-chain.js';
import type { CallAttempt, CallOptions } from './call-options.js';
import { outcomeOf } from './failed-outcome.js';
import { Gate } from './gate.js';
import { Connections } from './http/connections.js';
import type { HttpAnswer, HttpRequest } from './http/http-request.js';
import { HttpTry } from './http/http-try.js';
import type { Places } from './places/places.js';
import { ProcessPlaces } from './places/process-places.js';
import { LimitsUnavailableError, SharedPlaces } from './places/shared-places.js';
import type { PolicyOptions } from './policy-options.js';
import type { PolicySettings } from './policy-settings.js';
import type { PolicyChange, PolicyState, PolicyStats } from './policy-stats.js';
import { settingsOf } from './settings-of.js';
import { Statistics } from './statistics.js';
import { TimeLimit, TimeLimitError, unlessAborted } from './time-limit.js';
import { outcomeForStats, type Tried } from './tried.js';

/** A try that has its place. */
interface Placed extends Omit<CallAttempt, 'signal'> {
  readonly limit: TimeLimit;
  /** Until when a free connection may be waited for, by the clock's monotonic time. */
  readonly connectionBy: number;
}

/**
 * How calls to one target are made: within which limits, and what becomes of an answer that is lost.
 *
 * One policy for one target, used by everybody who calls it: its statistics, its limits and its breaker are the target's.
 */
export class Policy {
  readonly #settings: PolicySettings;
  readonly #places: Places;
  readonly #breaker: Breaker | undefined;
  readonly #gate: Gate;
  readonly #statistics: Statistics;
  readonly #connections: Connections;
  #inUse = 0;
  #waiting = 0;
  #closed = false;

  /** @throws {@link InvalidOptionsError} the options cannot work */
  constructor(options: PolicyOptions) {
    const settings = (this.#settings = settingsOf(options));
    this.#places = placesOf(settings);
    this.#breaker = settings.breaker === false ? undefined : new Breaker(settings.breaker, settings.clock);
    this.#gate = new Gate(settings, this.#breaker);
    this.#statistics = new Statistics(settings.clock);
    this.#connections = new Connections(settings);
  }

  get name(): string {
    return this.#settings.name;
  }

  /** Whether calls are made at the moment. */
  get state(): PolicyState {
    return this.#gate.state;
  }

  /**
   * Makes a call under all limits but those of the connection, which is `work`'s own.
   *
   * @throws {@link TargetUnavailableError} nothing was done at the target, and the tries are used up
   * @throws {@link OutcomeUnknownError} it may have been done; `final` where only a person can find out
   * @throws {@link InvalidOptionsError} `onUnknownOutcome` is `query`, and the call has no `query`
   * @throws what `work` threw, where the target has answered; the reason of `signal`, where nothing was sent
   */
  async call<Result>(work: (attempt: CallAttempt) => Promise<Result>, options: CallOptions<Result>): Promise<Result> {
    const judge = options.outcomeOf ?? outcomeOf;
    const chain = new CallChain(this.#settings, options, (attempt) =>
      this.tryOnce(attempt, options.signal, async (placed) => {
        const { limit, key } = placed;
        const { signal } = limit;
        try {
          return { outcome: 'done', result: await unlessAborted(work({ signal, key, attempt: placed.attempt }), signal), refused: false };
        } catch (error) {
          const retryAfterMs = isWaybillError(error, 'TARGET_UNAVAILABLE') ? error.retryAfterMs : undefined;
          return { outcome: limit.isUp ? 'unknown' : judge(error), error, retryAfterMs };
        }
      }),
    );
    return chain.run();
  }

  /**
   * Makes an HTTP request under all limits. An answer of any status resolves that `judge` does not say otherwise of.
   *
   * @throws what {@link Policy.call} throws; {@link InvalidOptionsError} for a request that cannot be sent, whoever is asked
   */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    const http = new HttpTry(this.#connections, this.#settings, request);
    const chain = new CallChain(this.#settings, request, (attempt) => this.tryOnce(attempt, request.signal, (placed) => http.run(placed)));
    return chain.run();
  }

  /** How the tries of the last minute or so went: these figures tell which time limits to set. */
  stats(): PolicyStats {
    const { state, reason } = this.#gate;
    return { policy: this.name, state, reason, ...this.#statistics.figures(), inUse: this.#inUse, waiting: this.#waiting };
  }

  /** Turns all calls away, until `resume`. */
  suspend(reason: string): void {
    this.#gate.suspend(reason);
  }

  /** A person says that the target is well: ends what `suspend` began, and what the breaker and `Retry-After` hold back. */
  resume(): void {
    this.#gate.resume();
  }

  /** Calls `listener` when `state` has changed, as soon as a call notices. The returned function ends that. */
  onChange(listener: (change: PolicyChange) => void): () => void {
    return this.#gate.onChange(listener);
  }

  /** Turns calls away from now on, lets those under way finish, and closes the connections. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#connections.close();
  }

  private async tryOnce<Result>(
    attempt: Pick<CallAttempt, 'attempt' | 'key'>,
    caller: AbortSignal | undefined,
    work: (placed: Placed) => Promise<Tried<Result>>,
  ): Promise<Tried<Result>> {
    const { clock, limits } = this.#settings;
    this.refuseIfTurnedAway();
    const connectionBy = clock.monotonic() + limits.acquireMs;
    const release = this.#places.tryAcquire() ?? (await this.acquirePlace(caller));
    const limit = new TimeLimit(clock, limits.callMs, `not over within ${limits.callMs} ms`, caller);
    this.#inUse += 1;
    try {
      // While this one waited, others may have found out that the target is not well.
      this.refuseIfTurnedAway();
      const measured = async (): Promise<Tried<Result>> => this.measured(() => work({ ...attempt, limit, connectionBy }), caller);
      const tried = await (this.#breaker?.run(measured, caller) ?? measured());
      if (tried.outcome === 'not-done' && tried.retryAfterMs !== undefined) this.#gate.hold(tried.retryAfterMs);
      // Its caller gave up before anything was sent: that is no news about the target.
      if (tried.outcome === 'not-done' && caller?.aborted === true) throw caller.reason;
      return tried;
    } finally {
      this.#inUse -= 1;
      limit.end();
      release();
      this.#gate.notice();
    }
  }

  private async measured<Result>(work: () => Promise<Tried<Result>>, caller: AbortSignal | undefined): Promise<Tried<Result>> {
    this.#gate.notice();
    const startedAt = this.#settings.clock.monotonic();
    const tried = await work();
    const durationMs = this.#settings.clock.monotonic() - startedAt;
    this.#statistics.record(outcomeForStats(tried, caller?.aborted === true), durationMs);
    return tried;
  }

  private async acquirePlace(caller: AbortSignal | undefined): Promise<() => void> {
    const { clock, limits } = this.#settings;
    const limit = new TimeLimit(clock, limits.acquireMs, `no free place within ${limits.acquireMs} ms`, caller);
    this.#waiting += 1;
    try {
      return await this.#places.acquire(limit.signal);
    } catch (error) {
      const isOurs = caller?.aborted !== true && (error instanceof TimeLimitError || error instanceof LimitsUnavailableError);
      throw isOurs ? this.turnedAway(error.message, { cause: error }) : error;
    } finally {
      this.#waiting -= 1;
      limit.end();
    }
  }

  private refuseIfTurnedAway(): void {
    if (this.#closed) throw this.turnedAway('its policy is closed');
    const why = this.#gate.turnsAway();
    if (why !== undefined) throw this.turnedAway(why.detail, { retryAfterMs: why.retryAfterMs });
  }

  private turnedAway(
    detail: string,
    options: { readonly cause?: unknown; readonly retryAfterMs?: number | undefined } = {},
  ): TargetUnavailableError {
    this.#statistics.recordTurnedAway();
    return new TargetUnavailableError(this.name, detail, options);
  }
}

function placesOf(settings: PolicySettings): Places {
  const { sharedLimits, limits } = settings;
  if (sharedLimits === undefined) return new ProcessPlaces(settings);
  // A permit covers one try; a little more, so that it never runs out under a try that uses its time to the end.
  return new SharedPlaces({ ...settings, limits: sharedLimits, permitMs: limits.callMs + 1_000 });
}
