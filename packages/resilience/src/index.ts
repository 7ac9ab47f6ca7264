export type { Preset } from './presets.js';
export type { BreakerOptions, InCallRetry, OnUnknownOutcome, PolicyOptions, PoolOptions, RateLimit, TimeLimits } from './policy-options.js';
