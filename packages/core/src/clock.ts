/** Time as Waybill sees it. Tests and simulations hand in their own. */
export interface Clock {
  /** Wall-clock time. */
  now(): Date;
  /** Milliseconds from an arbitrary start that never go back, also when the wall clock is set. */
  monotonic(): number;
  /** Calls `act` once, after at least `ms` milliseconds (or 24 days, if that is less). The returned function cancels it. */
  after(ms: number, act: () => void): () => void;
}

// What a timer of Node takes; above it, it fires at once. Whoever waits for longer than 24 days looks at the time again anyway.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, Math.min(ms, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms` milliseconds, or as soon as `signal` aborts: whoever waits looks at the signal next anyway. */
export function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const cancel = clock.after(ms, done);
    signal?.addEventListener('abort', done, { once: true });
    function done(): void {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    }
  });
}

/** Resolves when `signal` aborts; at once, if it has. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
