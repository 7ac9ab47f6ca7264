import type { Clock } from '@waybill/core';

interface Timer {
  readonly dueAt: number;
  readonly act: () => void;
}

/** Time that passes only when a test says so. */
export class ManualClock implements Clock {
  #elapsedMs = 0;
  #wallMs = Date.parse('2025-01-01T00:00:00Z');
  readonly #timers = new Set<Timer>();

  now(): Date {
    return new Date(this.#wallMs);
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  after(ms: number, act: () => void): () => void {
    const timer = { dueAt: this.#elapsedMs + ms, act };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Lets time pass, timer by timer; between two, everything happens that can happen at once. */
  async pass(ms: number): Promise<void> {
    const until = this.#elapsedMs + ms;
    await everythingThatCan();
    for (let timer = this.#nextUntil(until); timer; timer = this.#nextUntil(until)) {
      this.#jump(Math.max(0, timer.dueAt - this.#elapsedMs));
      this.#timers.delete(timer);
      timer.act();
      await everythingThatCan();
    }
    this.#jump(until - this.#elapsedMs);
  }

  /** A machine that sleeps: the wall clock goes on, timers and the monotonic clock stand still. */
  suspend(ms: number): void {
    this.#wallMs += ms;
  }

  #jump(ms: number): void {
    this.#elapsedMs += ms;
    this.#wallMs += ms;
  }

  #nextUntil(until: number): Timer | undefined {
    return [...this.#timers].filter(({ dueAt }) => dueAt <= until).sort((one, other) => one.dueAt - other.dueAt)[0];
  }
}

/** In memory nothing waits for anything but promises; a few turns of the event loop settle them all. */
async function everythingThatCan(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
