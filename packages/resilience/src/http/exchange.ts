import { Readable } from 'node:stream';
import type { Clock } from '@waybill/core';
import type { Dispatcher } from 'undici';
import type { PolicySettings } from '../policy-settings.js';
import { type TimeLimit, TimeLimitError } from '../time-limit.js';
import type { HttpAnswer } from './http-request.js';

export interface ExchangeOptions {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer | undefined;
  readonly maxAnswerBytes: number;
  /** Ends the exchange at once when it is up. */
  readonly limit: TimeLimit;
  readonly clock: Clock;
  readonly limits: Pick<PolicySettings['limits'], 'firstByteMs' | 'bodyMs'>;
  /** How long a connection is waited for, in milliseconds, and how much longer it is then worth it. */
  readonly patience: { readonly ms: number; readonly more: () => number; readonly detail: string };
}

export type Exchanged =
  | { readonly outcome: 'answer'; readonly answer: HttpAnswer }
  /** Not a byte of the request was written. */
  | { readonly outcome: 'not-sent'; readonly error: Error }
  /** Some or all of it was written, and no whole answer came back. */
  | { readonly outcome: 'lost'; readonly error: Error };

/** Sends one request over a pool and reads its answer, to the end or to `maxAnswerBytes`. Never rejects, and is over as soon as its limit is up. */
export function exchange(pool: Dispatcher, options: ExchangeOptions): Promise<Exchanged> {
  return new Promise((resolve) => new Exchange(options, resolve).start(pool));
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #startedAt: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #controller: Dispatcher.DispatchController | undefined;
  #head: Pick<HttpAnswer, 'status' | 'headers'> | undefined;
  #over = false;
  /** Ends the one time limit that runs at the moment. */
  #hush = (): void => {};

  constructor(
    private readonly options: ExchangeOptions,
    private readonly resolve: (exchanged: Exchanged) => void,
  ) {
    this.#startedAt = options.clock.monotonic();
  }

  start(pool: Dispatcher): void {
    const { url, method, headers, body, limit, patience } = this.options;
    limit.whenUp((error) => this.failed(error as Error));
    if (this.#over) return;
    this.after(patience.ms, () => this.waitLonger());
    pool.dispatch({ path: `${url.pathname}${url.search}`, method, headers: withLength(headers, body), body: this.inPieces(body) }, this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Thrown before anything is written, it ends the request and leaves the connection to others.
    if (this.#over) throw new Error('given up while it waited for a connection');
    this.#controller = controller;
    if (isLong(this.options.body)) this.#hush();
    else this.written();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: HttpAnswer['headers']): void {
    if (status < 200) return;
    this.#head = { status, headers };
    this.listenForMore();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.listenForMore();
    const left = this.options.maxAnswerBytes - this.#bytes;
    this.#chunks.push(chunk.length > left ? chunk.subarray(0, left) : chunk);
    this.#bytes += Math.min(chunk.length, left);
    if (chunk.length > left) this.answered(true);
  }

  onResponseEnd(): void {
    this.answered(false);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.failed(error);
  }

  private written(): void {
    const { limits } = this.options;
    this.failAfter(limits.firstByteMs, `no answer within ${limits.firstByteMs} ms of the request`);
  }

  private listenForMore(): void {
    const { limits } = this.options;
    this.failAfter(limits.bodyMs, `nothing more of the answer for ${limits.bodyMs} ms`);
  }

  /** Undici has these limits too, and looks at its clock twice a second only. */
  private failAfter(ms: number, detail: string): void {
    this.after(ms, () => this.failed(new TimeLimitError(detail)));
  }

  private after(ms: number, act: () => void): void {
    this.#hush();
    if (!this.#over) this.#hush = this.options.clock.after(ms, act);
  }

  /** A long body goes piece by piece: the time until the first byte of the answer counts from the last piece, not from the first. */
  private inPieces(body: Buffer | undefined): Buffer | Readable | null {
    if (!isLong(body)) return body ?? null;
    const written = (): void => this.written();
    const pieces = function* (): Generator<Buffer> {
      for (let from = 0; from < body.length; from += PIECE_BYTES) yield body.subarray(from, from + PIECE_BYTES);
      written();
    };
    return Readable.from(pieces(), { objectMode: false });
  }

  private waitLonger(): void {
    const { more, detail } = this.options.patience;
    const ms = more();
    if (ms === 0) this.failed(new Error(detail));
    else this.failAfter(ms, detail);
  }

  private answered(truncated: boolean): void {
    const durationMs = this.options.clock.monotonic() - this.#startedAt;
    this.end({ outcome: 'answer', answer: { ...this.#head!, body: Buffer.concat(this.#chunks), truncated, durationMs } });
    if (truncated) this.#controller?.abort(new Error('the rest of the answer is not wanted'));
  }

  private failed(error: Error): void {
    if (this.#over) return;
    // A refusal that breaks off is still a refusal; what accepts has to be heard to the end.
    if (this.#head !== undefined && this.#head.status >= 400) return this.answered(true);
    this.end({ outcome: this.#controller === undefined ? 'not-sent' : 'lost', error });
    this.#controller?.abort(error);
  }

  private end(exchanged: Exchanged): void {
    if (this.#over) return;
    this.#over = true;
    this.#hush();
    this.resolve(exchanged);
  }
}

const PIECE_BYTES = 65_536;

const isLong = (body: Buffer | undefined): body is Buffer => body !== undefined && body.length > PIECE_BYTES;

function withLength(headers: ExchangeOptions['headers'], body: Buffer | undefined): Record<string, string | string[]> {
  const copy: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() !== 'content-length') copy[name] = typeof value === 'string' ? value : [...value];
  }
  if (isLong(body)) copy['content-length'] = String(body.length);
  return copy;
}
