import type { HttpAnswer, Judgement } from './http-request.js';

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

/** What a `Retry-After` header asks for, in milliseconds; seconds and dates are understood, anything else is none. */
export function retryAfterMs(header: HttpAnswer['headers'][string], now: Date): number | undefined {
  if (typeof header !== 'string') return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1_000;
  // What else Date.parse takes for a date, a number below zero for one, is none of HTTP's.
  const at = /^\s*[A-Za-z]{3}/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime());
}
