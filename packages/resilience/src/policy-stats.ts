/**
 * - `ready`: calls are made.
 * - `open`: the circuit breaker lets nothing through for a while.
 * - `half-open`: the breaker's time is over; the next calls are probes, one at a time.
 * - `held`: the target asked to be left alone for a while (`Retry-After`).
 * - `suspended`: a person said so.
 */
export type PolicyState = 'ready' | 'open' | 'half-open' | 'held' | 'suspended';

export interface PolicyChange {
  readonly policy: string;
  readonly state: PolicyState;
  readonly previous: PolicyState;
  readonly at: Date;
  /** Why, where there is something to say. */
  readonly reason?: string;
}

/** How the tries of the last minute or so went. */
export interface PolicyStats {
  readonly policy: string;
  readonly state: PolicyState;
  /** Why it is not `ready`. */
  readonly reason: string | undefined;
  /** How much time the figures are about, in milliseconds: up to 60,000. */
  readonly windowMs: number;
  /** Tries that reached for the target. */
  readonly tries: number;
  /** By how they ended. */
  readonly outcomes: Readonly<Record<TryOutcome, number>>;
  /** Share of the tries that failed by the target's fault (`unavailable` and `unknown`), 0 to 1. */
  readonly errorRate: number;
  /** Of the tries that the target answered, in milliseconds; zeros where there were none. */
  readonly latencyMs: { readonly p50: number; readonly p90: number; readonly p95: number; readonly p99: number; readonly max: number };
  /** Calls that were turned away before anything was tried: breaker open, held, suspended, no place in time. */
  readonly turnedAway: number;
  /** Tries under way now. */
  readonly inUse: number;
  /** Calls that wait for their place now. */
  readonly waiting: number;
}

/**
 * - `done`: the target answered.
 * - `refused`: it answered with an error of its own (HTTP: 400 and above).
 * - `unavailable`: nothing was done; not reached, or it said so.
 * - `unknown`: no answer after it was sent.
 * - `aborted`: the caller gave up.
 */
export type TryOutcome = 'done' | 'refused' | 'unavailable' | 'unknown' | 'aborted';
