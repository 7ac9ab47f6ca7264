import { delay } from '../clock.js';
import type { Clock } from '../clock.js';
import { isWaybillError } from '../errors.js';

export interface AfterConflictsOptions {
  readonly clock: Clock;
  /** 0 (inclusive) to 1 (exclusive), for jitter. */
  readonly random: () => number;
  readonly signal: AbortSignal | undefined;
}

const BACKOFF_MS = 10;
const MOST_BACKOFF_MS = 500;

/** Comes again up to `times` when another transaction came first, each time after a longer pause. */
export async function afterConflicts<Result>(
  times: number,
  act: () => Promise<Result>,
  { clock, random, signal }: AfterConflictsOptions,
): Promise<Result> {
  for (let conflicts = 0; ; conflicts++) {
    try {
      return await act();
    } catch (error) {
      const conflict = isWaybillError(error, 'CONCURRENCY') || isWaybillError(error, 'TRANSACTION_CONFLICT');
      if (!conflict || conflicts >= times || signal?.aborted) throw error;
      await delay(clock, random() * Math.min(BACKOFF_MS * 2 ** conflicts, MOST_BACKOFF_MS), signal);
    }
  }
}
