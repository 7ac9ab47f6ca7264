import { circuitBreaker, type CircuitBreakerPolicy, CircuitState, CountBreaker, handleWhenResult, type IBreaker } from 'cockatiel';
import type { Clock } from '@waybill/core';
import type { PresetNumbers } from './preset-numbers.js';
import { TimeWindow } from './time-window.js';
import { detailOf } from './detail-of.js';
import { isFault, type Tried } from './tried.js';

export type BreakerState = 'closed' | 'open' | 'half-open';

/**
 * A circuit breaker: closed, open for a time, then half-open, when probes go through one at a time until enough of them succeeded in a row.
 *
 * Cockatiel counts and opens. Ours are the time that it stays open, which runs by the policy's clock, and the probes after the first.
 */
export class Breaker {
  #circuit: CircuitBreakerPolicy;
  #openedAt = 0;
  /** How often it has opened: who was on the way before that says nothing about what comes after. */
  #openings = 0;
  #probesLeft = 0;
  #probing = false;
  /** What a person wants to know of an open breaker. */
  #lastFault = '';

  constructor(
    private readonly options: PresetNumbers['breaker'],
    private readonly clock: Clock,
  ) {
    this.#circuit = this.newCircuit();
  }

  get state(): BreakerState {
    if (this.#circuit.state === CircuitState.Closed) return this.#probesLeft > 0 ? 'half-open' : 'closed';
    return this.openForMs() > 0 ? 'open' : 'half-open';
  }

  /** Why nothing may go through now, if nothing may. */
  turnsAway(): { readonly detail: string; readonly retryAfterMs?: number } | undefined {
    const { state } = this;
    if (state === 'open')
      return { detail: `too many calls failed, its circuit breaker is open; the last: ${this.#lastFault}`, retryAfterMs: this.openForMs() };
    if (state === 'half-open' && this.#probing) return { detail: 'its circuit breaker is half-open, and another call tries it' };
    return undefined;
  }

  /**
   * A try begins. Has to be asked for {@link turnsAway} right before. The returned function is called when it is over, and counts it, unless
   * its caller gave up, or others found out in between how the target is; `tried` is undefined where nothing came of it. What it returns is to be
   * waited for: then the state is what it has become.
   */
  enter(): (tried: Tried<unknown> | undefined, gaveUp: boolean) => Promise<unknown> | undefined {
    const [openings, circuit] = [this.#openings, this.#circuit];
    const isProbe = this.state === 'half-open';
    if (isProbe) this.#probing = true;
    return (tried, gaveUp) => {
      const isStale = openings !== this.#openings || circuit !== this.#circuit;
      const fault = tried !== undefined && isFault(tried) ? tried : undefined;
      const saysNothing = tried === undefined || (fault !== undefined && gaveUp);
      if (fault !== undefined && !gaveUp) this.#lastFault = detailOf(fault.error);
      // After a first probe that says nothing the circuit stays open, for as long as before.
      const counts = !isStale && (!saysNothing || circuit.state !== CircuitState.Closed);
      const failed = saysNothing || fault !== undefined;
      const counted = counts ? circuit.execute(() => failed) : undefined;
      if (isProbe) return this.probed(circuit, counted);
      return failed ? counted : undefined; // a success changes nothing here
    };
  }

  /** Begins anew, closed. */
  reset(): void {
    this.#circuit = this.newCircuit();
    this.#probesLeft = 0;
    this.#probing = false;
  }

  private async probed(circuit: CircuitBreakerPolicy, counted: Promise<unknown> | undefined): Promise<void> {
    try {
      await counted;
    } finally {
      if (circuit === this.#circuit) this.#probing = false;
    }
  }

  private openForMs(): number {
    return Math.max(0, this.#openedAt + this.options.openMs - this.clock.monotonic());
  }

  private newCircuit(): CircuitBreakerPolicy {
    // Never, by its own account, too early to probe: whether it is, is ours to say, and a wall clock that is set back must not matter.
    const circuit = circuitBreaker(
      handleWhenResult((failed) => failed === true),
      { breaker: this.withProbes(windowOf(this.options)), halfOpenAfter: Number.NEGATIVE_INFINITY },
    );
    circuit.onBreak(() => {
      this.#openedAt = this.clock.monotonic();
      this.#openings += 1;
      this.#probesLeft = 0;
    });
    return circuit;
  }

  /** Cockatiel closes after one probe: from then on, until enough succeeded, any failure opens it again. */
  private withProbes(window: IBreaker): IBreaker {
    return {
      state: undefined,
      success: (state) => {
        if (state === CircuitState.HalfOpen) this.#probesLeft = this.options.probes - 1;
        else if (this.#probesLeft > 0) this.#probesLeft -= 1;
        window.success(state);
      },
      failure: (state) => window.failure(state) || this.#probesLeft > 0,
    };
  }
}

function windowOf({ window, threshold, least }: PresetNumbers['breaker']): IBreaker {
  if ('ms' in window) return new TimeWindow({ ms: window.ms, threshold, least });
  return new CountBreaker({ size: window.calls, threshold, minimumNumberOfCalls: least });
}
