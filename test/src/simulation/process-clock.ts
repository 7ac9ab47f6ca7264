import type { Clock } from '@waybill/core';

/** The one true time of a simulated world, in milliseconds since it began. */
export interface TrueTime {
  ms: number;
}

interface Timer {
  readonly dueAt: number; // by the process's monotonic clock
  readonly act: () => void;
}

const BEGINNING = Date.parse('2025-01-01T00:00:00Z');

/** Time as one process sees it: its wall clock may be wrong, and its monotonic clock stands still while its machine is suspended. */
export class ProcessClock implements Clock {
  readonly #time: TrueTime;
  readonly #onLook: () => void;
  readonly #wallSkewMs: number;
  readonly #timers = new Set<Timer>();
  #suspendedMs = 0;

  /** @param onLook - called whenever the process looks at its monotonic clock */
  constructor(time: TrueTime, wallSkewMs = 0, onLook: () => void = () => {}) {
    this.#time = time;
    this.#onLook = onLook;
    this.#wallSkewMs = wallSkewMs;
  }

  now(): Date {
    return new Date(BEGINNING + this.#time.ms + this.#wallSkewMs);
  }

  monotonic(): number {
    this.#onLook();
    return this.#time.ms - this.#suspendedMs;
  }

  after(ms: number, act: () => void): () => void {
    const timer = { dueAt: this.monotonic() + Math.max(0, ms), act };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** So many milliseconds passed that the monotonic clock, and timers, know nothing of. */
  suspended(ms: number): void {
    this.#suspendedMs += ms;
  }

  /** How long until the next timer is due: 0 or less when one is; `undefined` without a timer. */
  dueIn(): number | undefined {
    const next = this.#next();
    return next && next.dueAt - this.monotonic();
  }

  /** Calls the timer that is due first. */
  fire(): void {
    const next = this.#next();
    if (!next) return;
    this.#timers.delete(next);
    next.act();
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (!first || timer.dueAt < first.dueAt) first = timer;
    return first;
  }
}
