import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Clock } from '@waybill/core';
import type { PolicyStats, TryOutcome } from './policy-stats.js';

const HALF_MS = 30_000;

interface Half {
  readonly startedAt: number;
  readonly latency: RecordableHistogram;
  readonly outcomes: Record<TryOutcome, number>;
  turnedAway: number;
}

/** How the tries of the last 30 to 60 seconds went: two halves, of which the older one is dropped. */
export class Statistics {
  #current: Half;
  #previous: Half | undefined;

  constructor(private readonly clock: Clock) {
    this.#current = half(clock.monotonic());
  }

  record(outcome: TryOutcome, durationMs: number): void {
    const { outcomes, latency } = this.turned();
    outcomes[outcome] += 1;
    if (outcome === 'done' || outcome === 'refused') latency.record(Math.max(1, Math.min(LONGEST_US, Math.round(durationMs * 1_000))));
  }

  recordTurnedAway(): void {
    this.turned().turnedAway += 1;
  }

  figures(): Pick<PolicyStats, 'windowMs' | 'tries' | 'outcomes' | 'errorRate' | 'latencyMs' | 'turnedAway'> {
    const halves = [this.turned(), ...(this.#previous === undefined ? [] : [this.#previous])];
    const latency = newHistogram();
    const outcomes = noOutcomes();
    for (const one of halves) {
      latency.add(one.latency);
      for (const outcome of Object.keys(outcomes) as TryOutcome[]) outcomes[outcome] += one.outcomes[outcome];
    }
    const tries = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
    const at = (percentile: number): number => (latency.count === 0 ? 0 : latency.percentile(percentile) / 1_000);
    return {
      windowMs: Math.round(this.clock.monotonic() - halves.at(-1)!.startedAt),
      tries,
      outcomes,
      errorRate: tries === 0 ? 0 : (outcomes.unavailable + outcomes.unknown) / tries,
      latencyMs: { p50: at(50), p90: at(90), p95: at(95), p99: at(99), max: latency.count === 0 ? 0 : latency.max / 1_000 },
      turnedAway: halves.reduce((sum, { turnedAway }) => sum + turnedAway, 0),
    };
  }

  private turned(): Half {
    const now = this.clock.monotonic();
    const age = now - this.#current.startedAt;
    if (age >= HALF_MS) {
      this.#previous = age < 2 * HALF_MS ? this.#current : undefined;
      this.#current = half(now);
    }
    return this.#current;
  }
}

const LONGEST_US = 3_600_000_000;

function half(startedAt: number): Half {
  return { startedAt, latency: newHistogram(), outcomes: noOutcomes(), turnedAway: 0 };
}

/** In microseconds, to 1 %: with three figures each policy would hold 200 KB. */
function newHistogram(): RecordableHistogram {
  return createHistogram({ lowest: 1, highest: LONGEST_US, figures: 2 });
}

function noOutcomes(): Record<TryOutcome, number> {
  return { done: 0, refused: 0, unavailable: 0, unknown: 0, aborted: 0 };
}
