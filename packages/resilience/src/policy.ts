import { isWaybillError, TargetUnavailableError } from '@waybill/core';
import { Breaker } from './breaker.js';
import { CallChain } from './call-chain.js';
import type { CallAttempt, CallOptions, FailedOutcome } from './call-options.js';
import { outcomeOf } from './failed-outcome.js';
import { Gate } from './gate.js';
import { Connections } from './http/connections.js';
import type { HttpAnswer, HttpRequest } from './http/http-request.js';
import { HttpTry } from './http/http-try.js';
import type { Places } from './places/places.js';
import { ProcessPlaces } from './places/process-places.js';
import { LimitsUnavailableError, SharedPlaces } from './places/shared-places.js';
import type { OnUnknownOutcome, PolicyOptions } from './policy-options.js';
import type { PolicySettings } from './policy-settings.js';
import type { PolicyChange, PolicyState, PolicyStats } from './policy-stats.js';
import type { Preset } from './presets.js';
import { settingsOf } from './settings-of.js';
import { Statistics } from './statistics.js';
import { TimeLimit, TimeLimitError } from './time-limit.js';
import { outcomeForStats, type Tried } from './tried.js';

/** A try that has its place. */
interface Placed {
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

  get preset(): Preset {
    return this.#settings.preset;
  }

  get onUnknownOutcome(): OnUnknownOutcome {
    return this.#settings.onUnknownOutcome;
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
    const { key, outcomeOf: judge = outcomeOf } = options;
    const chain = new CallChain(this.#settings, options, (attempt) =>
      this.tryOnce(options.signal, async ({ limit }): Promise<Tried<Result>> => {
        try {
          // Its signal is made for who looks at it.
          const made = work({
            key,
            attempt,
            get signal() {
              return limit.signal;
            },
          });
          return { outcome: 'done', result: await limit.race(made), refused: false };
        } catch (error) {
          return limit.isUp ? { outcome: 'unknown', error } : judged(error, judge);
        }
      }),
    );
    return await chain.run();
  }

  /**
   * Makes an HTTP request under all limits. An answer of any status resolves that `judge` does not say otherwise of.
   *
   * @throws what {@link Policy.call} throws; {@link InvalidOptionsError} for a request that cannot be sent, whoever is asked
   */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    const http = new HttpTry(this.#connections, this.#settings, request);
    const chain = new CallChain(this.#settings, request, () => this.tryOnce(request.signal, (placed) => http.run(placed)));
    return await chain.run();
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

  private async tryOnce<Result>(caller: AbortSignal | undefined, work: (placed: Placed) => Promise<Tried<Result>>): Promise<Tried<Result>> {
    const { clock, limits } = this.#settings;
    this.refuseIfTurnedAway();
    const limit = new TimeLimit(clock, limits.acquireMs, 'no free place', caller);
    const connectionBy = limit.endsAt;
    let release = this.#places.tryAcquire();
    try {
      if (release === undefined) {
        release = await this.acquirePlace(limit, caller);
        // While this one waited, others may have found out that the target is not well.
        this.refuseIfTurnedAway();
      }
      limit.renew(limits.callMs, 'not over');
      const ended = this.#breaker?.enter();
      let tried: Tried<Result> | undefined;
      this.#inUse += 1;
      this.#gate.notice();
      try {
        const startedAt = clock.monotonic();
        tried = await work({ limit, connectionBy });
        this.#statistics.record(outcomeForStats(tried, caller?.aborted === true), clock.monotonic() - startedAt);
      } finally {
        this.#inUse -= 1;
        // Before the place is given on: whoever gets it has to know whether the circuit is open now.
        const counted = ended?.(tried, caller?.aborted === true);
        if (counted !== undefined) await counted;
      }
      if (tried.outcome === 'not-done' && tried.retryAfterMs !== undefined) this.#gate.hold(tried.retryAfterMs);
      // Its caller gave up before anything was sent: that is no news about the target.
      if (tried.outcome === 'not-done' && caller?.aborted === true) throw caller.reason;
      return tried;
    } finally {
      limit.end();
      release?.();
      this.#gate.notice();
    }
  }

  private async acquirePlace(limit: TimeLimit, caller: AbortSignal | undefined): Promise<() => void> {
    this.#waiting += 1;
    try {
      return await this.#places.acquire(limit);
    } catch (error) {
      const isOurs = caller?.aborted !== true && (error instanceof TimeLimitError || error instanceof LimitsUnavailableError);
      throw isOurs ? this.turnedAway(error.message, { cause: error }) : error;
    } finally {
      this.#waiting -= 1;
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

/** What a failed try was, as the caller's own function says. Where that fails itself, nobody knows. */
function judged(error: unknown, judge: (error: unknown) => FailedOutcome): Tried<never> {
  try {
    const retryAfterMs = isWaybillError(error, 'TARGET_UNAVAILABLE') ? error.retryAfterMs : undefined;
    return { outcome: judge(error), error, retryAfterMs };
  } catch (cause) {
    return {
      outcome: 'unknown',
      error: new Error(`what failed cannot be judged, \`outcomeOf\` threw: ${String(cause)}`, { cause: error }),
    };
  }
}

function placesOf(settings: PolicySettings): Places {
  const { sharedLimits, limits } = settings;
  if (sharedLimits === undefined) return new ProcessPlaces(settings);
  // A permit covers one try; a little more, so that it never runs out under a try that uses its time to the end.
  return new SharedPlaces({ ...settings, limits: sharedLimits, permitMs: limits.callMs + 1_000 });
}
