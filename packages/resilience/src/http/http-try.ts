import { InvalidOptionsError } from '@waybill/core';
import type { PolicySettings } from '../policy-settings.js';
import type { TimeLimit } from '../time-limit.js';
import type { Tried } from '../tried.js';
import { type Address, addressOf } from './address.js';
import type { Connections } from './connections.js';
import { exchange, type Exchanged } from './exchange.js';
import type { HttpAnswer, HttpRequest, Judgement } from './http-request.js';
import { judgeByStatus } from './judge-by-status.js';

interface Hop {
  readonly address: Address;
  readonly headers: NonNullable<HttpRequest['headers']>;
}

/** The tries of one HTTP request. */
export class HttpTry {
  readonly #first: Hop;
  readonly #method: string;
  readonly #body: Buffer | undefined;
  readonly #maxAnswerBytes: number;
  readonly #redirects: number;
  readonly #judge: NonNullable<HttpRequest['judge']>;

  /** @throws {@link InvalidOptionsError} it cannot be sent */
  constructor(
    private readonly connections: Connections,
    private readonly settings: PolicySettings,
    { url, method = 'POST', headers = {}, body, maxAnswerBytes = 65_536, redirects = 0, judge }: HttpRequest,
  ) {
    this.#first = { address: connections.address(url), headers };
    this.#method = method.toUpperCase();
    this.#body = typeof body === 'string' ? Buffer.from(body) : body;
    this.#maxAnswerBytes = wholeNumber('maxAnswerBytes', maxAnswerBytes);
    this.#redirects = wholeNumber('redirects', redirects);
    this.#judge = judge ?? ((answer) => judgeByStatus(answer, { now: settings.clock.now(), idempotent: settings.idempotent }));
  }

  async run({ limit, connectionBy }: { readonly limit: TimeLimit; readonly connectionBy: number }): Promise<Tried<HttpAnswer>> {
    const first = await this.exchange(this.#first, limit, connectionBy);
    const exchanged = this.#redirects === 0 ? first : await this.follow(first, limit, connectionBy);
    if (exchanged.outcome === 'lost') return { outcome: 'unknown', error: exchanged.error };
    if (exchanged.outcome === 'not-sent') {
      const { error } = exchanged;
      return isOfTheRequest(error)
        ? { outcome: 'answered', error: new InvalidOptionsError(`The request cannot be sent: ${error.message}.`, { cause: error }) }
        : { outcome: 'not-done', error };
    }
    const { answer } = exchanged;
    const judgement = this.judged(answer);
    if (judgement === 'answered') return { outcome: 'done', result: answer, refused: answer.status >= 400 };
    if (judgement === 'unknown') return { outcome: 'unknown', error: new Error(`it answered ${answer.status}, which does not tell`) };
    if (judgement instanceof Error) return { outcome: 'unknown', error: judgement };
    return { outcome: 'not-done', error: new Error(judgement.unavailable), retryAfterMs: judgement.retryAfterMs };
  }

  private async follow(first: Exchanged, limit: TimeLimit, connectionBy: number): Promise<Exchanged> {
    let [hop, exchanged] = [this.#first, first];
    for (let left = this.#redirects; left > 0 && exchanged.outcome === 'answer'; left -= 1) {
      const next = this.nextHop(hop, exchanged.answer);
      if (next === undefined) break;
      hop = next;
      exchanged = await this.exchange(hop, limit, connectionBy);
    }
    return exchanged;
  }

  /** Where the caller's own function fails, nobody knows what the answer says. */
  private judged(answer: HttpAnswer): Judgement | Error {
    try {
      return this.#judge(answer);
    } catch (cause) {
      return new Error(`it answered ${answer.status}, which cannot be judged: \`judge\` threw ${String(cause)}`, { cause });
    }
  }

  private exchange({ address, headers }: Hop, limit: TimeLimit, connectionBy: number): Promise<Exchanged> {
    const { connections, settings } = this;
    const [method, body, maxAnswerBytes] = [this.#method, this.#body, this.#maxAnswerBytes];
    return exchange({ address, headers, method, body, maxAnswerBytes, limit, connectionBy, connections, settings });
  }

  /** Where an answer sends the same request; `undefined`: nowhere that it may go, or as something else (a GET instead of a POST). */
  private nextHop(hop: Hop, { status, headers }: HttpAnswer): Hop | undefined {
    const keepsMethod = status === 307 || status === 308 || ([301, 302, 303].includes(status) && ['GET', 'HEAD'].includes(this.#method));
    const { location } = headers;
    if (!keepsMethod || typeof location !== 'string' || !URL.canParse(location, hop.address.url.href)) return undefined;
    const url = new URL(location, hop.address.url);
    const isAllowed = url.protocol === 'https:' || (url.protocol === 'http:' && hop.address.url.protocol === 'http:');
    if (!isAllowed || url.username !== '' || url.password !== '') return undefined;
    const address = addressOf(url);
    return { address, headers: address.origin === hop.address.origin ? hop.headers : withoutCredentials(hop.headers) };
  }
}

function wholeNumber(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0) return value;
  throw new InvalidOptionsError(`${name} of a request is ${value}; it must be a whole number from 0.`);
}

function withoutCredentials(headers: Hop['headers']): Hop['headers'] {
  const credentials = ['authorization', 'proxy-authorization', 'cookie'];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !credentials.includes(name.toLowerCase())));
}

function isOfTheRequest(error: Error): boolean {
  return (
    (error as NodeJS.ErrnoException).code === 'UND_ERR_INVALID_ARG' || (error as NodeJS.ErrnoException).code === 'UND_ERR_NOT_SUPPORTED'
  );
}
