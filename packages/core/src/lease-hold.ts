import type { Clock } from './clock.js';
import type { LaneLease } from './outbox/lane-lease.js';

/**
 * This process's grip on a lane, or on a subscription. Let go when the lease is lost, or when the monotonic **or** the wall clock says that it may
 * have expired: a suspended machine stops the former.
 */
export class LeaseHold<Lease = LaneLease> {
  readonly #lost = new AbortController();
  readonly #handingOver = new AbortController();
  readonly #clock: Clock;
  #lease: Lease;
  #deadline = 0;
  #wallDeadline = 0;
  #cancelTimer = (): void => {};
  #ended = false;

  /**
   * True while something was delivered, or is being, and what came of it is not stored: the lane must not be given back as if nothing were in
   * doubt. Its lease runs out instead, and whoever takes over is as careful as after a crash.
   */
  isUnsettled = false;

  /** @param askedAt - when the lease was asked for, not when it was answered: the database counts from somewhere in between */
  constructor(lease: Lease, clock: Clock, leaseMs: number, askedAt: Instant) {
    this.#clock = clock;
    this.#lease = lease;
    this.extend(lease, leaseMs, askedAt);
  }

  get lease(): Lease {
    return this.#lease;
  }

  /** Aborts when the lane must not be run any longer. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Aborts when somebody else shall have the lane: it ends with the batch in flight, and gives the lease back. */
  get handingOver(): AbortSignal {
    return this.#handingOver.signal;
  }

  handOver(): void {
    this.#handingOver.abort();
  }

  held(): boolean {
    if (this.#clock.monotonic() >= this.#deadline || this.#clock.now().getTime() >= this.#wallDeadline) this.lose();
    return !this.#lost.signal.aborted;
  }

  /** Does nothing for a lane that has ended in the meantime. */
  extend(lease: Lease, leaseMs: number, askedAt: Instant): void {
    if (this.#ended) return;
    if (askedAt.monotonic + leaseMs < this.#deadline) return; // an answer that was overtaken by a later one
    this.#lease = lease;
    this.#deadline = askedAt.monotonic + leaseMs;
    this.#wallDeadline = askedAt.wall + leaseMs;
    this.#watch();
  }

  #watch(): void {
    this.#cancelTimer();
    const leftMs = Math.max(1, this.#deadline - this.#clock.monotonic());
    // Node's timers may fire a little too early, and a lane that is idle meanwhile would look no more.
    this.#cancelTimer = this.#clock.after(leftMs, () => void (this.held() && this.#watch()));
  }

  lose(): void {
    this.drop();
    this.#lost.abort();
  }

  /** Stops watching the deadline; the lane has ended. */
  drop(): void {
    this.#ended = true;
    this.#cancelTimer();
  }
}

export interface Instant {
  readonly monotonic: number;
  readonly wall: number;
}

export const instant = (clock: Clock): Instant => ({ monotonic: clock.monotonic(), wall: clock.now().getTime() });
