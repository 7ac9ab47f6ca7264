import { type CircuitState, type IBreaker, SamplingBreaker } from 'cockatiel';

interface Samples {
  readonly windows: { startedAt: number; failures: number; successes: number }[];
}

/**
 * Cockatiel's breaker of a time window, which forgets by its own slots: it moves on by one with each call, however much later that comes, so
 * that ten calls in ten minutes would count as calls of the last minute. What is older than the window is taken out first.
 */
export class TimeWindow implements IBreaker {
  readonly #sampling: SamplingBreaker;
  readonly #ms: number;

  constructor({ ms, threshold, least }: { readonly ms: number; readonly threshold: number; readonly least: number }) {
    this.#ms = ms;
    // Half a call less: a rate that has been divided and multiplied again may be a hair more than `least`.
    this.#sampling = new SamplingBreaker({ threshold, duration: ms, minimumRps: (least - 0.5) / (ms / 1_000) });
  }

  get state(): unknown {
    return this.#sampling.state;
  }

  set state(value: unknown) {
    this.#sampling.state = value;
  }

  success(state: CircuitState): void {
    this.forget();
    this.#sampling.success(state);
  }

  failure(state: CircuitState): boolean {
    this.forget();
    return this.#sampling.failure(state);
  }

  private forget(): void {
    const { windows } = this.#sampling.state as Samples;
    const now = Date.now();
    for (const slot of windows) {
      if (now - slot.startedAt >= this.#ms) Object.assign(slot, { failures: 0, successes: 0 });
    }
    const total = (kind: 'failures' | 'successes'): number => windows.reduce((sum, slot) => sum + slot[kind], 0);
    this.#sampling.state = { currentFailures: total('failures'), currentSuccesses: total('successes') };
  }
}
