import type { OutboxMessage } from '@waybill/core';
import type { HttpAnswer, Judgement, Query } from '@waybill/resilience';
import { verdictOn } from './classify.js';
import type { Verdict, VerdictOptions } from './classify.js';
import { targetAnswer } from './target-answer.js';
import type { TargetAnswer } from './target-answer.js';
import { toldAnswer } from './target-query.js';
import type { TargetQuery } from './target-query.js';

interface ExchangeOptions extends VerdictOptions {
  readonly target: string;
  /** The one that is sent, or the first. */
  readonly message: OutboxMessage;
  readonly query: TargetQuery | undefined;
}

/** What is heard of one request while the policy makes it, perhaps several times: the policy knows answers, the sink what they mean. */
export class Exchange {
  /** From here on something may have been sent. */
  began = false;
  /** The target has said, since this exchange began, that nothing was done. */
  notDone = false;
  /** What `query` told together with "done". */
  told: TargetAnswer | undefined;
  readonly #options: ExchangeOptions;
  #last: { readonly http: HttpAnswer; readonly heard: TargetAnswer; readonly verdict: Verdict } | undefined;
  #doneByQuery: HttpAnswer | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  get message(): OutboxMessage {
    return this.#options.message;
  }

  get lastAnswer(): TargetAnswer | undefined {
    return this.#last?.heard;
  }

  /** What was not understood about the last answer, if anything. */
  get riddle(): string | undefined {
    return this.#last?.verdict.is === 'unknown' ? this.#last.verdict.detail : undefined;
  }

  judge(answer: HttpAnswer): Judgement {
    const { verdict } = this.read(answer);
    if (verdict.is === 'unavailable') return { unavailable: verdict.detail ?? '', retryAfterMs: verdict.retryAfterMs };
    return verdict.is === 'unknown' ? 'unknown' : 'answered';
  }

  /** What an answer means: asked of the classifier once. */
  read(http: HttpAnswer): { readonly heard: TargetAnswer; readonly verdict: Verdict } {
    if (this.#last?.http !== http) {
      const { target, message } = this.#options;
      const heard = targetAnswer(http, target);
      this.#last = { http, heard, verdict: verdictOn(heard, message, this.#options) };
    }
    return this.#last;
  }

  /** True where the answer is not the target's to the request, but `query`'s that it was done. */
  toldDone(answer: HttpAnswer): boolean {
    return answer === this.#doneByQuery;
  }

  get query(): Query<HttpAnswer> | undefined {
    const { query, message, target } = this.#options;
    if (!query) return undefined;
    return async (key, { signal }) => {
      const status = await query(key, { message, signal });
      this.notDone = status.outcome === 'not-done';
      if (status.outcome !== 'done') return { outcome: status.outcome };
      this.told = toldAnswer(status, target);
      this.#doneByQuery = { status: 200, headers: {}, body: Buffer.alloc(0), truncated: false, durationMs: 0 }; // a mark; `told` is what it says
      return { outcome: 'done', result: this.#doneByQuery };
    };
  }
}
