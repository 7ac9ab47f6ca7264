import type { OutboxMessage } from '@waybill/core';
import { retryAfterMs } from '@waybill/resilience';
import { notAPromise } from './not-a-promise.js';
import type { TargetAnswer } from './target-answer.js';

/**
 * What an answer means.
 *
 * - `accepted`: the target keeps the message, or has done what it asks for. A refusal that is a business answer (a declined payment) is that, too.
 * - `rejected`: the message's trouble. With `final` the lane does not try it again.
 * - `unavailable`: the sink's trouble: nothing was done, and no message is blamed. Default of `retryAfterMs`: what the `Retry-After` header says.
 * - `unknown`: it may have been done, or not.
 */
export type Classification =
  | 'accepted'
  | 'rejected'
  | 'unknown'
  | { readonly rejected: string; readonly final?: boolean }
  | { readonly unavailable: string; readonly retryAfterMs?: number };

/** Reads an answer in its target's own way. `undefined`: by the rules that hold for everybody, see {@link classifyByStatus}. In batch mode `message` is the first of the batch. */
export type Classifier = (answer: TargetAnswer, message: OutboxMessage) => Classification | undefined;

export type Verdict =
  | { readonly is: 'accepted' }
  | { readonly is: 'rejected'; readonly detail: string | undefined; readonly final: boolean }
  | { readonly is: 'unavailable'; readonly detail: string | undefined; readonly retryAfterMs: number | undefined }
  | { readonly is: 'unknown'; readonly detail: string | undefined };

const NOT_NOW = new Set([408, 425, 429, 500, 503]);

/**
 * 2xx: accepted. 408, 425, 429, 500, 503: the sink's trouble. Every other 5xx (502 and 504 above all): unknown, for a gateway does not tell what
 * stands behind it has done. All the rest, redirects that are not followed among them: rejected, and not for good: somebody may put it right there.
 *
 * With `mayNotRepeat` a 500 is unknown, too: a provider that fails after it has charged answers so.
 */
export function classifyByStatus(
  { status }: Pick<TargetAnswer, 'status'>,
  { mayNotRepeat = false }: { readonly mayNotRepeat?: boolean } = {},
): Classification {
  if (status >= 200 && status < 300) return 'accepted';
  if (status === 500 && mayNotRepeat) return 'unknown';
  if (NOT_NOW.has(status)) return { unavailable: `it answered ${status}` };
  return status >= 500 ? 'unknown' : 'rejected';
}

export interface VerdictOptions {
  readonly classify: Classifier | undefined;
  /** The target is one at which nothing may be done twice, as its user has said: by `query`, by `onUnknownOutcome`, or by the preset `payment`. */
  readonly mayNotRepeat: boolean;
  readonly now: () => Date;
}

/** What the target's classifier says, and where it says nothing, the default rules. Never throws. */
export function verdictOn(answer: TargetAnswer, message: OutboxMessage, { classify, mayNotRepeat, now }: VerdictOptions): Verdict {
  let classification: Classification;
  try {
    classification = notAPromise('classify', classify?.(answer, message)) ?? classifyByStatus(answer, { mayNotRepeat });
  } catch (error) {
    return { is: 'unknown', detail: `classify failed at an answer with status ${answer.status}: ${String(error)}` };
  }
  if (classification === 'accepted') return { is: 'accepted' };
  if (classification === 'rejected') return { is: 'rejected', detail: undefined, final: false };
  if (classification === 'unknown') return { is: 'unknown', detail: undefined };
  // What no compiler has checked may be anything.
  if (typeof classification !== 'object')
    return { is: 'unknown', detail: `classify answered ${String(classification)}, which means nothing` };
  if ('rejected' in classification) return { is: 'rejected', detail: classification.rejected, final: classification.final ?? false };
  if ('unavailable' in classification) {
    const said = classification.retryAfterMs;
    // A number that was computed from a header that was not there is none.
    const asked = said !== undefined && said >= 0 ? said : retryAfterMs(answer.headers['retry-after'], now());
    return { is: 'unavailable', detail: classification.unavailable, retryAfterMs: asked };
  }
  return { is: 'unknown', detail: `classify answered ${JSON.stringify(classification)}, which means nothing` };
}
