import type { Policy, PolicyOptions } from '@waybill/resilience';
import type { ContentMode } from '../wire/content-mode.js';
import type { Classifier } from './classify.js';
import type { CredentialsSource } from './credentials.js';
import type { HeadersOption } from './request-headers.js';
import type { RequestMapper } from './request-mapper.js';
import type { Secrets } from './signature.js';
import type { TargetQuery } from './target-query.js';

/** How one target is spoken to. */
export interface TargetManner {
  /** How messages are laid out. Default `structured`. `batch` needs an idempotent target. All targets of a sink take batches, or none does. */
  readonly mode?: ContentMode;
  /**
   * **Say `true` only of a target that does the same request once, however often it comes**, known by its `Idempotency-Key` (or the CloudEvents
   * `id`). Waybill's own receiver is one. Default false: then each message is settled before the next is sent, and after a lost answer nothing is
   * sent again before the target has told (`query`), or a person has decided.
   */
  readonly idempotent?: boolean;
  /** Signs by Standard Webhooks. Several: one signature for each, so that a receiver can change its secret while messages are under way. */
  readonly secrets?: Secrets;
  readonly headers?: HeadersOption;
  /** Sent as `Authorization`. Kept until they run out or are answered with 401; then they are fetched anew, and the request is made once more. */
  readonly credentials?: CredentialsSource;
  /** Default: a CloudEvent, as `mode` says. */
  readonly request?: RequestMapper;
  /** Default {@link classifyByStatus}. */
  readonly classify?: Classifier;
  /** Asks what came of a message when nobody knows. Given: the policy's default `onUnknownOutcome` is `query`. Not in batch mode. */
  readonly query?: TargetQuery;
  /** Limits, breaker, retries: for each target its own. A {@link Policy} that is handed in is the caller's to close. Default: the preset `steady`. */
  readonly policy?: Policy | Omit<PolicyOptions, 'name' | 'idempotent' | 'publicOnly'>;
  /**
   * Refuses addresses that are not of the public internet, and looks at each when it is connected to, redirects included. Say true where users give
   * the address. Default false. Where the policy is handed in, it says so itself.
   */
  readonly publicOnly?: boolean;
  /** How many redirects are followed (307, 308). Default 0: a redirect is a refusal. */
  readonly redirects?: number;
  /** Where an answer's body is cut off, in bytes. Default 65,536. */
  readonly maxAnswerBytes?: number;
}

/** One address, and how it is spoken to. */
export interface TargetOptions extends TargetManner {
  /** What it is called in errors, logs and statistics. Default: host and port. */
  readonly name?: string;
  /** http or https, without user and password: those are `credentials`. */
  readonly url: string | URL;
}
