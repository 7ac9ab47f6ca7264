import type { HttpAnswer, Judgement } from './http-request.js';
import { retryAfterMs } from './retry-after.js';

/**
 * What a status says where nothing better is known: 408, 425, 429 and 503 are the target's trouble, with the pause that `Retry-After` asks
 * for; 502 and 504 leave the outcome open, for what stands before the target has answered in its place. 500 is the target's trouble too, but
 * may come after the deed: where the target is not `idempotent` it leaves the outcome open. Everything else is an answer.
 */
export function judgeByStatus(
  answer: Pick<HttpAnswer, 'status' | 'headers'>,
  { now, idempotent }: { readonly now: Date; readonly idempotent: boolean },
): Judgement {
  const { status, headers } = answer;
  if (status === 502 || status === 504 || (status === 500 && !idempotent)) return 'unknown';
  if (![408, 425, 429, 500, 503].includes(status)) return 'answered';
  return { unavailable: `it answered ${status}`, retryAfterMs: retryAfterMs(headers['retry-after'], now) };
}
