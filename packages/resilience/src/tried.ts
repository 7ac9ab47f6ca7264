import type { TryOutcome } from './policy-stats.js';

/** What became of one try. */
export type Tried<Result> =
  | { readonly outcome: 'done'; readonly result: Result; readonly refused: boolean }
  /** The target has answered, and the answer is this error. */
  | { readonly outcome: 'answered'; readonly error: unknown }
  | { readonly outcome: 'not-done'; readonly error: unknown; readonly retryAfterMs?: number | undefined }
  | { readonly outcome: 'unknown'; readonly error: unknown };

/** True where the target is to blame, and its breaker is to hear of it. */
export function isFault(tried: Tried<unknown>): tried is Extract<Tried<unknown>, { readonly outcome: 'not-done' | 'unknown' }> {
  return tried.outcome === 'not-done' || tried.outcome === 'unknown';
}

export function outcomeForStats(tried: Tried<unknown>, aborted: boolean): TryOutcome {
  if (tried.outcome === 'done') return tried.refused ? 'refused' : 'done';
  if (tried.outcome === 'answered') return 'refused';
  if (aborted) return 'aborted';
  return tried.outcome === 'unknown' ? 'unknown' : 'unavailable';
}
