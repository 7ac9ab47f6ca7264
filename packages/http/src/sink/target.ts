import { aborted, isWaybillError, MessageRejectedError, OutcomeUnknownError, SinkUnavailableError } from '@waybill/core';
import type { Clock, DeliveryFailure, Logger, OutboxMessage } from '@waybill/core';
import { Policy } from '@waybill/resilience';
import type { HttpAnswer, PolicyState, PolicyStats } from '@waybill/resilience';
import type { EventOptions } from '../cloudevent/message-event.js';
import { HEADER } from '../wire/header-names.js';
import { acceptedIn } from './accepted-in.js';
import { CredentialCache } from './credentials.js';
import type { Authorization } from './credentials.js';
import { draftOf } from './draft.js';
import type { Draft, DraftOptions, SendingOf } from './draft.js';
import { Exchange } from './exchange.js';
import { inTime } from './in-time.js';
import { checkedHeaders } from './request-headers.js';
import { Signature, signed } from './signature.js';
import { excerptOf } from './target-answer.js';
import type { TargetAnswer } from './target-answer.js';
import { checkedTarget } from './checked-target.js';
import type { TargetOptions } from './target-options.js';
import type { TargetStatus } from './target-query.js';

export interface SendOptions {
  readonly sendingOf: SendingOf;
  readonly signal: AbortSignal;
  /** The messages may have been sent to this target before, without anybody knowing what came of it. */
  readonly mayBeRepeat: boolean;
}

/** What became of the messages of one request. */
export interface Sent {
  readonly accepted: number;
  /** About the message behind the accepted ones. */
  readonly failure?: DeliveryFailure;
  readonly answer?: TargetAnswer;
  /** Several were refused at once, and nobody said because of which. */
  readonly unnamed?: boolean;
}

// Of a question that no policy asks, for it goes to several targets.
const ANSWER_WITHIN_MS = 30_000;

export interface TargetSurroundings extends EventOptions {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One address that messages are sent to: encodes, signs, sends under its policy, and reads the answer. */
export class Target {
  readonly name: string;
  readonly idempotent: boolean;
  readonly #options: TargetOptions;
  readonly #draftOptions: DraftOptions;
  readonly #signature: Signature | undefined;
  readonly #credentials: CredentialCache | undefined;
  readonly #headers: Readonly<Record<string, string>>;
  #policy: Policy | undefined;

  /** @throws {@link InvalidOptionsError} */
  constructor(
    options: TargetOptions,
    private readonly surroundings: TargetSurroundings,
  ) {
    const { url, name } = checkedTarget(options);
    this.name = name;
    this.idempotent = options.idempotent ?? false;
    const { mode = 'structured', request } = options;
    const { source, metadata } = surroundings;
    this.#draftOptions = { target: name, url, mode, request, source, metadata };
    this.#options = options;
    this.#signature = options.secrets === undefined ? undefined : new Signature(options.secrets);
    this.#credentials = options.credentials && new CredentialCache(options.credentials, surroundings.clock);
    this.#headers = typeof options.headers === 'object' ? checkedHeaders(options.headers) : {};
    this.#policy = this.#ownPolicy();
  }

  get canBeAsked(): boolean {
    return this.#options.query !== undefined;
  }

  get policyState(): PolicyState {
    return this.#policyInUse().state;
  }

  stats(): PolicyStats {
    return this.#policyInUse().stats();
  }

  /** A person says that it is well: neither its breaker nor its `Retry-After` holds it back. What its policy's owner has suspended stays so. */
  resume(): void {
    const policy = this.#policyInUse();
    if (policy.state !== 'suspended') policy.resume();
  }

  /** Never rejects. */
  async send(messages: readonly OutboxMessage[], { sendingOf, signal, mayBeRepeat }: SendOptions): Promise<Sent> {
    const { clock } = this.surroundings;
    const { classify, query } = this.#options;
    const reading = { classify, mayNotRepeat: this.#mayNotRepeat, now: () => clock.now() };
    const exchange = new Exchange({ ...reading, target: this.name, message: messages[0]!, query });
    try {
      const draft = draftOf(messages, sendingOf, this.#draftOptions);
      return this.#read(exchange, await this.#request(draft, exchange, { signal, mayBeRepeat }), messages);
    } catch (error) {
      const accepted = acceptedIn(exchange.lastAnswer, messages.length) ?? 0;
      if (accepted === messages.length) return { accepted };
      const failure = this.#failureOf(error, signal, exchange);
      if (isWaybillError(failure, 'SINK_UNAVAILABLE') && mayBeRepeat && !this.#resends && !exchange.notDone)
        return { accepted, failure: this.#stillUnknown(messages[0]!, failure) };
      return { accepted, failure };
    }
  }

  /** Whether the target has done it. `unknown` where it cannot be asked. Never rejects. */
  async ask(message: OutboxMessage, signal: AbortSignal): Promise<TargetStatus> {
    const unknown = { outcome: 'unknown' } as const;
    const { query } = this.#options;
    if (!query) return unknown;
    const given = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
    try {
      const status = await Promise.race([query(message.id, { message, signal: given }), aborted(given).then(() => unknown)]);
      return ['done', 'not-done'].includes(status.outcome) ? status : unknown;
    } catch {
      return unknown;
    }
  }

  /** Ends the connections, unless the policy is somebody else's. What is sent afterwards opens new ones. */
  async close(): Promise<void> {
    this.#credentials?.close();
    if (this.#options.policy instanceof Policy) return;
    const policy = this.#policy;
    this.#policy = undefined;
    await policy?.close();
  }

  async #request(draft: Draft, exchange: Exchange, { signal, mayBeRepeat }: Omit<SendOptions, 'sendingOf'>): Promise<HttpAnswer> {
    const { redirects, maxAnswerBytes } = this.#options;
    const { key, method, url, body } = draft;
    const headers = await this.#headersOf(draft, exchange.message, signal);
    const attempt = (authorization: Authorization | undefined, last: boolean): Promise<HttpAnswer> => {
      exchange.began = true;
      return this.#policyInUse().request({
        key,
        method,
        url,
        body: body === '' ? undefined : body,
        headers: authorization ? { ...headers, authorization: authorization.header } : headers,
        redirects,
        maxAnswerBytes,
        signal,
        mayBeRepeat,
        judge: (answer) => (!last && answer.status === 401 ? 'answered' : exchange.judge(answer)),
        query: exchange.query,
      });
    };

    if (!this.#credentials) return attempt(undefined, true);
    const authorization = await this.#credentials.get(signal);
    const answer = await attempt(authorization, false);
    if (answer.status !== 401 || exchange.toldDone(answer)) return answer;
    exchange.began = false; // who says 401 has done nothing
    this.#credentials.refuse(authorization); // they may have run out early, or have been withdrawn: a fresh one gets one chance
    return attempt(await this.#credentials.get(signal), true);
  }

  async #headersOf(draft: Draft, message: OutboxMessage, signal: AbortSignal): Promise<Record<string, string>> {
    const { clock } = this.surroundings;
    const { headers } = this.#options;
    const extra =
      typeof headers === 'function' ? checkedHeaders(await inTime('headers', headers(message), { clock, signal })) : this.#headers;
    const all: Record<string, string> = { ...draft.defaults, ...extra, ...draft.headers, [HEADER.idempotencyKey]: draft.key };
    if (!this.#signature) return all;
    const found = this.#signature.secrets();
    const secrets = found instanceof Promise ? await inTime('secrets', found, { clock, signal }) : found;
    return Object.assign(all, signed(this.#signature.signersOf(secrets), draft, clock.now()));
  }

  #read(exchange: Exchange, answer: HttpAnswer, messages: readonly OutboxMessage[]): Sent {
    if (exchange.toldDone(answer)) return { accepted: messages.length, ...(exchange.told && { answer: exchange.told }) };
    const { verdict, heard } = exchange.read(answer);
    const accepted = acceptedIn(heard, messages.length);
    const taken = accepted ?? (verdict.is === 'accepted' ? messages.length : 0);
    if (taken === messages.length) return { accepted: taken, answer: heard }; // whatever the status
    if (verdict.is === 'accepted') {
      const detail = `${this.name} took ${taken} of ${messages.length} messages`;
      return { accepted: taken, failure: new SinkUnavailableError(detail), answer: heard };
    }
    const { id, stream, revision } = messages[taken]!;
    const [detail, final] = verdict.is === 'rejected' ? [verdict.detail, verdict.final] : [undefined, false];
    const failure = new MessageRejectedError(id, stream, revision, `${this.name} answered ${detail ?? refusal(heard)}`, { final });
    return { accepted: taken, failure, answer: heard, unnamed: accepted === undefined && messages.length > 1 };
  }

  #failureOf(error: unknown, signal: AbortSignal, { message, began, riddle }: Exchange): DeliveryFailure {
    if (isWaybillError(error, 'OUTCOME_UNKNOWN') && riddle !== undefined)
      return new OutcomeUnknownError(this.name, message.id, riddle, { cause: error, final: error.final });
    if (isWaybillError(error, 'OUTCOME_UNKNOWN') || isWaybillError(error, 'MESSAGE_REJECTED')) return error;
    if (isWaybillError(error, 'TARGET_UNAVAILABLE'))
      return new SinkUnavailableError(error.message, { cause: error, retryAfterMs: error.retryAfterMs });
    if (signal.aborted) return new SinkUnavailableError(`the delivery to ${this.name} was given up`, { cause: error });
    const detail = error instanceof Error ? error.message : String(error);
    if (!began || isWaybillError(error, 'INVALID_OPTIONS'))
      return new SinkUnavailableError(`nothing was sent to ${this.name}: ${detail}`, { cause: error });
    return this.#resends
      ? new SinkUnavailableError(`the request to ${this.name} failed: ${detail}`, { cause: error })
      : new OutcomeUnknownError(this.name, message.id, `the request failed: ${detail}`, { cause: error });
  }

  /** While nobody knows, that is what has to be stored: an outage would be followed by another send. */
  #stillUnknown({ id }: OutboxMessage, cause: SinkUnavailableError): OutcomeUnknownError {
    return new OutcomeUnknownError(this.name, id, `it may have been sent before, and the target cannot be asked now: ${cause.message}`, {
      cause,
    });
  }

  /** True where a lost answer is followed by another send anyway. */
  get #resends(): boolean {
    const onUnknown = this.#options.policy?.onUnknownOutcome;
    return this.idempotent && !this.canBeAsked && (onUnknown ?? 'resend') === 'resend';
  }

  /** What its user has said of unknown outcomes is about a 500, too. */
  get #mayNotRepeat(): boolean {
    const { policy = {} } = this.#options;
    if (this.idempotent) return false;
    return this.canBeAsked || policy.preset === 'payment' || (!(policy instanceof Policy) && policy.onUnknownOutcome !== undefined);
  }

  #policyInUse(): Policy {
    return (this.#policy ??= this.#ownPolicy());
  }

  #ownPolicy(): Policy {
    const { policy = {}, publicOnly = false } = this.#options;
    if (policy instanceof Policy) return policy;
    const { clock, logger } = this.surroundings;
    const onUnknown = this.canBeAsked ? { onUnknownOutcome: 'query' as const } : {};
    return new Policy({ clock, logger, ...onUnknown, ...policy, name: this.name, idempotent: this.idempotent, publicOnly });
  }
}

function refusal(answer: TargetAnswer): string {
  const redirect = answer.status >= 300 && answer.status < 400;
  return redirect
    ? `${answer.status}, a redirect, which is not followed; put the final address into the options, or allow \`redirects\``
    : excerptOf(answer);
}
