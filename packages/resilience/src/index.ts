// The policy
export { Policy } from './policy.js';
export type { BreakerOptions, InCallRetry, OnUnknownOutcome, PolicyOptions, PoolOptions, RateLimit, TimeLimits } from './policy-options.js';
export { presets, type PresetNumbers } from './preset-numbers.js';
export type { Preset } from './presets.js';

// A call
export type { CallAttempt, CallOptions, FailedOutcome, Query, QueryAnswer } from './call-options.js';
export { outcomeOf } from './failed-outcome.js';
export type { HttpAnswer, HttpRequest, Judgement } from './http/http-request.js';
export { judgeByStatus } from './http/judge-by-status.js';
export { retryAfterMs } from './http/retry-after.js';

// What became of the calls
export type { PolicyChange, PolicyState, PolicyStats, TryOutcome } from './policy-stats.js';

// The other side: who is let in
export { Admission, type AdmissionOptions, type Entry } from './admission.js';
