import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { PolicySettings } from '../policy-settings.js';
import { type TimeLimit, TimeLimitError } from '../time-limit.js';
import type { Address } from './address.js';
import type { Connections } from './connections.js';
import type { HttpAnswer } from './http-request.js';

export interface ExchangeOptions {
  readonly address: Address;
  readonly method: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer | undefined;
  readonly maxAnswerBytes: number;
  /** Ends the exchange at once when it is up. */
  readonly limit: TimeLimit;
  /** Until when a free connection may be waited for, by the clock's monotonic time. */
  readonly connectionBy: number;
  readonly connections: Connections;
  readonly settings: Pick<PolicySettings, 'clock' | 'limits'>;
}

export type Exchanged =
  | { readonly outcome: 'answer'; readonly answer: HttpAnswer }
  /** Not a byte of the request was written. */
  | { readonly outcome: 'not-sent'; readonly error: Error }
  /** Some or all of it was written, and no whole answer came back. */
  | { readonly outcome: 'lost'; readonly error: Error };

/** Sends one request over its pool and reads its answer, to the end or to `maxAnswerBytes`. Never rejects, and is over as soon as its limit is up. */
export function exchange(options: ExchangeOptions): Promise<Exchanged> {
  return new Promise((resolve) => new Exchange(options, resolve).start());
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #startedAt: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #controller: Dispatcher.DispatchController | undefined;
  #head: Pick<HttpAnswer, 'status' | 'headers'> | undefined;
  #over = false;

  constructor(
    private readonly options: ExchangeOptions,
    private readonly resolve: (exchanged: Exchanged) => void,
  ) {
    this.#startedAt = options.settings.clock.monotonic();
  }

  start(): void {
    const { address, method, headers, body, limit, connections, connectionBy } = this.options;
    limit.whenUp((error) => this.failed(error as Error));
    if (this.#over) return;
    limit.stage(Math.max(0, connectionBy - this.#startedAt), () => this.waitLonger());
    const pool = connections.to(address.origin);
    pool.dispatch({ path: address.path, method, headers: withLength(headers, body), body: this.inPieces(body) }, this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Thrown before anything is written, it ends the request and leaves the connection to others.
    if (this.#over) throw new Error('given up while it waited for a connection');
    this.#controller = controller;
    if (isLong(this.options.body)) this.options.limit.noStage();
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
    const { firstByteMs } = this.options.settings.limits;
    this.stage(firstByteMs, () => `no answer within ${firstByteMs} ms of the request`);
  }

  private listenForMore(): void {
    const { bodyMs } = this.options.settings.limits;
    this.stage(bodyMs, () => `nothing more of the answer for ${bodyMs} ms`);
  }

  /** Undici has these limits too, and looks at its clock twice a second only. */
  private stage(ms: number, detail: () => string): void {
    if (!this.#over) this.options.limit.stage(ms, () => this.failed(new TimeLimitError(detail())));
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
    const { address, connections, settings } = this.options;
    const detail = `no free connection within ${settings.limits.acquireMs} ms`;
    // A connection that is being made has its own time.
    if (connections.isFull(address.origin)) this.failed(new Error(detail));
    else this.stage(settings.limits.connectMs, () => detail);
  }

  private answered(truncated: boolean): void {
    if (this.#over) return;
    const { status, headers } = this.#head!;
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    const durationMs = this.options.settings.clock.monotonic() - this.#startedAt;
    this.end({ outcome: 'answer', answer: { status, headers, body, truncated, durationMs } });
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
    this.#over = true;
    this.options.limit.noStage();
    this.resolve(exchanged);
  }
}

const PIECE_BYTES = 65_536;

const isLong = (body: Buffer | undefined): body is Buffer => body !== undefined && body.length > PIECE_BYTES;

/** Undici counts what it sends itself; a wrong count of the caller's would keep the request from being sent. */
function withLength(headers: ExchangeOptions['headers'], body: Buffer | undefined): Record<string, string | string[]> {
  const own = headers as Record<string, string | string[]>; // undici does not write into them
  const isCounted = Object.keys(own).some(isLength);
  if (!isCounted && !isLong(body)) return own;
  const copy = Object.fromEntries(Object.entries(own).filter(([name]) => !isLength(name)));
  return isLong(body) ? { ...copy, 'content-length': String(body.length) } : copy;
}

const isLength = (name: string): boolean => name.length === 14 && name.toLowerCase() === 'content-length';
