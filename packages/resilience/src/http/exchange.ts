import { Readable } from 'node:stream';
import type { Clock } from '@waybill/core';
import type { Dispatcher } from 'undici';
import type { PolicySettings } from '../policy-settings.js';
import { TimeLimitError } from '../time-limit.js';
import type { HttpAnswer } from './http-request.js';

export interface ExchangeOptions {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer | undefined;
  readonly maxAnswerBytes: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly limits: Pick<PolicySettings['limits'], 'firstByteMs' | 'bodyMs'>;
  /** Has a look after so many milliseconds: resolves to why to give up, if the request is still waiting for a connection and had better not. */
  readonly patience: readonly { readonly ms: number; readonly giveUp: () => string | undefined }[];
}

export type Exchanged =
  | { readonly outcome: 'answer'; readonly answer: HttpAnswer }
  /** Not a byte of the request was written. */
  | { readonly outcome: 'not-sent'; readonly error: Error }
  /** Some or all of it was written, and no whole answer came back. */
  | { readonly outcome: 'lost'; readonly error: Error };

/** Sends one request over a pool and reads its answer, to the end or to `maxAnswerBytes`. Never rejects, and is over as soon as the signal aborts. */
export function exchange(pool: Dispatcher, options: ExchangeOptions): Promise<Exchanged> {
  return new Promise((resolve) => new Exchange(options, resolve).start(pool));
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #startedAt: number;
  readonly #chunks: Buffer[] = [];
  readonly #cancels: (() => void)[] = [];
  #bytes = 0;
  #controller: Dispatcher.DispatchController | undefined;
  #head: Pick<HttpAnswer, 'status' | 'headers'> | undefined;
  #over = false;
  #hush = (): void => {};

  constructor(
    private readonly options: ExchangeOptions,
    private readonly resolve: (exchanged: Exchanged) => void,
  ) {
    this.#startedAt = options.clock.monotonic();
  }

  start(pool: Dispatcher): void {
    const { url, method, headers, body, signal, clock, patience } = this.options;
    const abort = (): void => this.failed(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    this.#cancels.push(() => signal.removeEventListener('abort', abort));
    for (const { ms, giveUp } of patience) this.#cancels.push(clock.after(ms, () => this.giveUp(giveUp)));
    if (signal.aborted) return abort();
    pool.dispatch({ path: `${url.pathname}${url.search}`, method, headers: withLength(headers, body), body: this.inPieces(body) }, this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Thrown before anything is written, it ends the request and leaves the connection to others.
    if (this.#over) throw new Error('given up while it waited for a connection');
    this.#controller = controller;
    if (!isLong(this.options.body)) this.written();
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
    this.#hush();
    if (!this.#over) this.#hush = this.options.clock.after(ms, () => this.failed(new TimeLimitError(detail)));
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

  private giveUp(why: () => string | undefined): void {
    if (this.#controller !== undefined) return;
    const detail = why();
    if (detail !== undefined) this.failed(new Error(detail));
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
    for (const cancel of this.#cancels) cancel();
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
