import type { TimeLimits } from './policy-options.js';
import type { Preset } from './presets.js';

/** What a policy does where its options say nothing. */
export interface PresetNumbers {
  readonly limits: Required<TimeLimits>;
  readonly pool: { readonly connections: number; readonly idleMs: number; readonly lifeMs: number };
  readonly concurrency: number;
  readonly breaker: {
    readonly window: { readonly calls: number } | { readonly ms: number };
    readonly threshold: number;
    readonly least: number;
    readonly openMs: number;
    readonly probes: number;
  };
  readonly retry: { readonly most: number; readonly firstMs: number; readonly maxMs: number };
}

const retry = { most: 2, firstMs: 100, maxMs: 2_000 };

const usual: PresetNumbers = {
  limits: { acquireMs: 5_000, connectMs: 3_000, writeMs: 5_000, firstByteMs: 10_000, bodyMs: 5_000, callMs: 20_000 },
  pool: { connections: 16, idleMs: 4_000, lifeMs: 300_000 },
  concurrency: 32,
  breaker: { window: { calls: 100 }, threshold: 0.5, least: 20, openMs: 30_000, probes: 3 },
  retry,
};

/** Every number of every preset. The README tells the same. */
export const presets: Readonly<Record<Preset, PresetNumbers>> = {
  steady: usual,
  bursty: { ...usual, breaker: { ...usual.breaker, window: { ms: 60_000 } } },
  critical: {
    ...usual,
    limits: { acquireMs: 2_000, connectMs: 2_000, writeMs: 3_000, firstByteMs: 5_000, bodyMs: 3_000, callMs: 10_000 },
    breaker: { window: { calls: 50 }, threshold: 0.3, least: 10, openMs: 5_000, probes: 1 },
  },
  messaging: {
    ...usual,
    limits: { acquireMs: 1_000, connectMs: 1_000, writeMs: 1_000, firstByteMs: 3_000, bodyMs: 1_000, callMs: 5_000 },
    breaker: { ...usual.breaker, openMs: 10_000 },
  },
  payment: {
    ...usual,
    limits: { acquireMs: 10_000, connectMs: 5_000, writeMs: 10_000, firstByteMs: 60_000, bodyMs: 15_000, callMs: 90_000 },
    // An idle connection that the server closes at this very moment would look like an unknown outcome.
    pool: { connections: 8, idleMs: 0, lifeMs: 300_000 },
    concurrency: 8,
    breaker: { ...usual.breaker, window: { calls: 20 }, least: 10, openMs: 60_000, probes: 1 },
    retry: { ...retry, most: 0 },
  },
};
