import { isWaybillError } from '../../errors.js';

/** However long a target asks to be left alone, it is tried again after an hour. */
const LONGEST_MS = 3_600_000;

/** How long, in milliseconds, the target asks to be left alone; 0 where it does not. */
export function retryAfterMsOf(error: unknown): number {
  if (!isWaybillError(error, 'SINK_UNAVAILABLE')) return 0;
  const { retryAfterMs = 0 } = error;
  return retryAfterMs > 0 ? Math.min(retryAfterMs, LONGEST_MS) : 0;
}
