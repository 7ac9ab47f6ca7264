import { InvalidOptionsError } from '@waybill/core';
import type { PolicySettings } from '../policy-settings.js';
import type { TimeLimit } from '../time-limit.js';
import type { Tried } from '../tried.js';
import type { Connections } from './connections.js';
import { exchange, type Exchanged } from './exchange.js';
import type { HttpAnswer, HttpRequest } from './http-request.js';
import { judgeByStatus } from './judge-by-status.js';

interface Hop {
  readonly url: URL;
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
    this.#first = { url: checkedUrl(url), headers };
    this.#method = method.toUpperCase();
    this.#body = typeof body === 'string' ? Buffer.from(body) : body;
    this.#maxAnswerBytes = wholeNumber('maxAnswerBytes', maxAnswerBytes);
    this.#redirects = wholeNumber('redirects', redirects);
    this.#judge = judge ?? ((answer) => judgeByStatus(answer, { now: settings.clock.now(), idempotent: settings.idempotent }));
  }

  async run({ limit, connectionBy }: { readonly limit: TimeLimit; readonly connectionBy: number }): Promise<Tried<HttpAnswer>> {
    const exchanged = await this.follow(limit, connectionBy);
    if (exchanged.outcome === 'lost') return { outcome: 'unknown', error: exchanged.error };
    if (exchanged.outcome === 'not-sent') {
      const { error } = exchanged;
      return isOfTheRequest(error)
        ? { outcome: 'answered', error: new InvalidOptionsError(`The request cannot be sent: ${error.message}.`, { cause: error }) }
        : { outcome: 'not-done', error };
    }
    const { answer } = exchanged;
    const judgement = this.#judge(answer);
    if (judgement === 'answered') return { outcome: 'done', result: answer, refused: answer.status >= 400 };
    if (judgement === 'unknown') return { outcome: 'unknown', error: new Error(`it answered ${answer.status}, which does not tell`) };
    return { outcome: 'not-done', error: new Error(judgement.unavailable), retryAfterMs: judgement.retryAfterMs };
  }

  private async follow(limit: TimeLimit, connectionBy: number): Promise<Exchanged> {
    let hop = this.#first;
    for (let left = this.#redirects; ; left -= 1) {
      const exchanged = await this.exchange(hop, limit, connectionBy);
      const next = exchanged.outcome === 'answer' && left > 0 ? this.nextHop(hop, exchanged.answer) : undefined;
      if (next === undefined) return exchanged;
      hop = next;
    }
  }

  private exchange({ url, headers }: Hop, limit: TimeLimit, connectionBy: number): Promise<Exchanged> {
    const { clock, limits } = this.settings;
    const placeMs = Math.max(0, connectionBy - clock.monotonic());
    const detail = `no free connection within ${limits.acquireMs} ms`;
    return exchange(this.connections.to(url.origin), {
      url,
      headers,
      method: this.#method,
      body: this.#body,
      maxAnswerBytes: this.#maxAnswerBytes,
      limit,
      clock,
      limits,
      // A connection that is being made has its own time.
      patience: { ms: placeMs, more: () => (this.connections.isFull(url.origin) ? 0 : limits.connectMs), detail },
    });
  }

  /** Where an answer sends the same request; `undefined`: nowhere that it may go, or as something else (a GET instead of a POST). */
  private nextHop(hop: Hop, { status, headers }: HttpAnswer): Hop | undefined {
    const keepsMethod = status === 307 || status === 308 || ([301, 302, 303].includes(status) && ['GET', 'HEAD'].includes(this.#method));
    const { location } = headers;
    if (!keepsMethod || typeof location !== 'string' || !URL.canParse(location, hop.url.href)) return undefined;
    const url = new URL(location, hop.url);
    const isAllowed = url.protocol === 'https:' || (url.protocol === 'http:' && hop.url.protocol === 'http:');
    if (!isAllowed || url.username !== '' || url.password !== '') return undefined;
    return { url, headers: url.origin === hop.url.origin ? hop.headers : withoutCredentials(hop.headers) };
  }
}

function checkedUrl(text: string | URL): URL {
  const url = parsed(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new InvalidOptionsError(`${url.protocol}// is no address of HTTP: use https:// or http://.`);
  if (url.username !== '' || url.password !== '') {
    throw new InvalidOptionsError(`The address of ${url.host} holds credentials, which would end up in logs: send them as a header.`);
  }
  return url;
}

function parsed(text: string | URL): URL {
  try {
    return new URL(text);
  } catch (error) {
    throw new InvalidOptionsError(`"${String(text)}" is no address to send a request to: give a whole URL.`, { cause: error });
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
