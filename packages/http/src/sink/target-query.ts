import type { OutboxMessage } from '@waybill/core';
import type { TargetAnswer } from './target-answer.js';

/** What a target says of a message that it may have got. With `done` may come what it answered, or would have: `reply` gets it. */
export type TargetStatus =
  | { readonly outcome: 'done'; readonly answer?: Pick<TargetAnswer, 'status'> & Partial<Pick<TargetAnswer, 'headers' | 'body'>> }
  /** It was not done, and will not be: it is sent. Answer `unknown` where what was sent may still arrive. */
  | { readonly outcome: 'not-done' }
  | { readonly outcome: 'unknown' };

/** Asks a target by the idempotency key. What it throws counts as `unknown`. */
export type TargetQuery = (
  key: string,
  options: { readonly message: OutboxMessage; readonly signal: AbortSignal },
) => Promise<TargetStatus>;

/** What came with `done`, if anything. */
export function toldAnswer(status: TargetStatus, target: string): TargetAnswer | undefined {
  if (status.outcome !== 'done' || status.answer === undefined) return undefined;
  const { status: code, headers = {}, body = '' } = status.answer;
  return { status: code, headers, body, truncated: false, target };
}
