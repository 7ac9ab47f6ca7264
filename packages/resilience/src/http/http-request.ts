import type { CallOptions } from '../call-options.js';

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** At most `maxAnswerBytes` of it. */
  readonly body: Buffer;
  /** There was more of the body, or it broke off. */
  readonly truncated: boolean;
  /** From the request handed to a connection to the end of the answer; of the last try, and the last redirect. */
  readonly durationMs: number;
}

/**
 * What an answer says about the target: it has answered; nothing was done and it is best left alone (for `retryAfterMs` all calls of the
 * policy fail at once); or nobody knows whether it was done.
 */
export type Judgement = 'answered' | 'unknown' | { readonly unavailable: string; readonly retryAfterMs?: number | undefined };

export interface HttpRequest extends Omit<CallOptions<HttpAnswer>, 'outcomeOf'> {
  /** Default `POST`. */
  readonly method?: string;
  readonly url: string | URL;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
  /** Where an answer's body is cut off. Default 65,536. */
  readonly maxAnswerBytes?: number;
  /**
   * How many redirects are followed. Default 0. Followed are 307 and 308, and for GET and HEAD 301, 302 and 303 too; never from https to
   * http. Credentials (`authorization`, `cookie`) do not go to another origin; other headers do.
   */
  readonly redirects?: number;
  /** Default {@link judgeByStatus}. Where it throws, the outcome is unknown. */
  readonly judge?: (answer: HttpAnswer) => Judgement;
}
