import { InvalidOptionsError, WaybillError } from '@waybill/core';
import { PROBLEMS } from '../wire/problem.js';
import { settingsOf } from './http-receiver-options.js';
import type { HttpReceiverOptions, Settings } from './http-receiver-options.js';
import { Reception } from './reception.js';
import type { Progress } from './reception.js';
import { headerOf } from './received-request.js';
import type { HttpReply, ReceivedRequest } from './received-request.js';
import { problemReply, Refusal, retryAfter } from './refusal.js';
import { refusalOf } from './refusal-of.js';

/**
 * Takes messages that others send by HTTP as CloudEvents, in whatever server it is put: `handle` knows no framework.
 *
 * A request is answered with 2xx once its messages are durably taken, by this request or by an earlier one; with a problem document (RFC 9457)
 * otherwise. It is refused as early as it can be: by its headers before its body is read, by its signature before it is parsed.
 */
export class HttpReceiver {
  readonly #settings: Settings;
  readonly #reception: Reception;

  /** @throws {@link InvalidOptionsError} no intake, no secrets, or a limit that is none */
  constructor(options: HttpReceiverOptions) {
    this.#settings = settingsOf(options);
    this.#reception = new Reception(this.#settings);
  }

  /** Answers one request. Never rejects. */
  async handle(request: ReceivedRequest): Promise<HttpReply> {
    const { clock, answerWithinMs } = this.#settings;
    const progress: Progress = { bodyRead: false, batch: false, accepted: 0 };
    const late = new AbortController();
    const signal = request.signal ? AbortSignal.any([request.signal, late.signal]) : late.signal;
    let cancel = (): void => {};
    const tooLate = new Promise<never>((_resolve, reject) => {
      cancel = clock.after(answerWithinMs, () => {
        reject(
          new Refusal(
            'unavailable',
            `It could not be taken within ${answerWithinMs} ms. Nothing is lost: send it again.`,
            retryAfter(1_000),
          ),
        );
        late.abort();
      });
    });
    const head = request.method === 'HEAD';
    try {
      return await Promise.race([this.#reception.receive({ ...request, signal }, progress), tooLate]);
    } catch (error) {
      const refusal = refusalOf(signal.aborted ? stopped(error) : error);
      this.#log(refusal, error, progress);
      const reply = problemReply(refusal, progress.batch ? progress.accepted : undefined);
      return { ...reply, headers: { ...reply.headers, ...this.#connection(request, refusal, progress) }, ...(head && { body: '' }) };
    } finally {
      cancel();
    }
  }

  /**
   * The same for servers that speak the web's standard.
   *
   * @throws {@link InvalidOptionsError} somebody has read the body before: its signature could not be checked any more
   */
  async fetch(request: Request): Promise<Response> {
    if (request.bodyUsed)
      throw new InvalidOptionsError('The body of the request was read before it came to the receiver. Let it come to the receiver first.');
    const { status, headers, body } = await this.handle({
      method: request.method,
      headers: Object.fromEntries(request.headers),
      body: chunksOf(request),
      signal: request.signal,
    });
    // What becomes of the connection is the server's own affair there.
    const { connection: _connection, ...rest } = headers;
    return new Response(body, { status, headers: rest });
  }

  /** A body that was not read to its end, and may be without end or was waited for long enough, is not waited for. */
  #connection({ headers }: ReceivedRequest, { slug }: Refusal, { bodyRead }: Progress): Readonly<Record<string, string>> {
    const declared = headerOf(headers, 'content-length');
    const small =
      declared === undefined ? headerOf(headers, 'transfer-encoding') === undefined : Number(declared) <= this.#settings.maxBodyBytes;
    return bodyRead || (small && slug !== 'too-slow') ? {} : { connection: 'close' };
  }

  #log({ slug, message }: Refusal, error: unknown, { messageId, accepted }: Progress): void {
    const { logger } = this.#settings;
    const fields = { problem: slug, ...(messageId !== undefined && { messageId }), accepted };
    if (error instanceof Refusal) logger.info(fields, `A request was refused: ${message}`);
    else if (PROBLEMS[slug].status < 500) logger.info({ ...fields, err: error }, `Message ${messageId} was refused.`);
    else if (slug === 'unavailable') logger.warn({ ...fields, err: error }, `Message ${messageId} could not be taken now.`);
    else logger.error({ ...fields, err: error }, `Message ${messageId} could not be handled.`);
  }
}

// Not touched before it is read: what a stream has begun to hold, a server cannot throw away, and its client would wait for its turn to listen.
async function* chunksOf(request: Request): AsyncGenerator<Uint8Array> {
  if (request.body) yield* request.body;
}

/** What an intake throws when it is told to stop is no failure of its own. */
function stopped(error: unknown): unknown {
  return error instanceof WaybillError || error instanceof Refusal
    ? error
    : new Refusal('unavailable', 'It was stopped, for nobody waits for the answer any more.', retryAfter(1_000));
}
