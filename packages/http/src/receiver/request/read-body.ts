import type { Clock } from '@waybill/core';
import { headerOf } from '../received-request.js';
import type { ReceivedRequest, RequestHeaders } from '../received-request.js';
import { Refusal } from '../refusal.js';

export interface BodyLimits {
  readonly maxBodyBytes: number;
  readonly bodyWithinMs: number;
  readonly clock: Clock;
}

/** How long the body is by its own account; `undefined`: it does not tell. Refused when that is too long, before anything is read. */
export function declaredBytes(headers: RequestHeaders, maxBodyBytes: number): number | undefined {
  const declared = headerOf(headers, 'content-length');
  if (declared === undefined) return undefined;
  if (!/^\d{1,15}$/.test(declared)) throw new Refusal('malformed', 'Its content-length is no number of bytes.');
  if (Number(declared) > maxBodyBytes) throw oversized(maxBodyBytes);
  return Number(declared);
}

/** The body as text. Never keeps more of it than `maxBodyBytes`, whatever was declared, and waits for it no longer than `bodyWithinMs`. */
export async function readBody(
  { headers, body, signal }: ReceivedRequest,
  { maxBodyBytes, bodyWithinMs, clock }: BodyLimits,
): Promise<string> {
  const declared = declaredBytes(headers, maxBodyBytes);
  const bytes = body instanceof Uint8Array ? body : await inTime(body, { maxBodyBytes, bodyWithinMs, clock }, signal);
  if (bytes.length > maxBodyBytes) throw oversized(maxBodyBytes);
  if (declared !== undefined && declared !== bytes.length)
    throw new Refusal('malformed', `Its content-length is ${declared}, and ${bytes.length} bytes arrived.`);
  try {
    // A signature is of bytes. Text that stands for exactly one sequence of bytes can be checked in their place.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refusal('malformed', 'Its body is not UTF-8.');
  }
}

async function inTime(body: AsyncIterable<Uint8Array>, limits: BodyLimits, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  const stop = new AbortController();
  let giveUp = (_why: Refusal): void => {};
  const givenUp = new Promise<never>((_resolve, reject) => (giveUp = reject));
  const cancel = limits.clock.after(limits.bodyWithinMs, () =>
    giveUp(new Refusal('too-slow', `Its body did not arrive within ${limits.bodyWithinMs} ms.`)),
  );
  const hungUp = (): void => giveUp(endedEarly());
  signal?.addEventListener('abort', hungUp, { once: true });
  if (signal?.aborted) hungUp();
  let whole = false;
  try {
    const bytes = await Promise.race([givenUp, collect(chunks, limits.maxBodyBytes, stop.signal)]);
    whole = true;
    return bytes;
  } finally {
    cancel();
    signal?.removeEventListener('abort', hungUp);
    stop.abort();
    // Not awaited: a generator that waits for its client does not hear of it before the client moves.
    if (!whole) chunks.return?.()?.catch(() => {});
  }
}

const FIRST_BYTES = 16_384;

/** Copies what comes into one piece: kept as they are, chunks of a byte each would take hundreds of times the room of the body. */
async function collect(chunks: AsyncIterator<Uint8Array>, maxBodyBytes: number, stop: AbortSignal): Promise<Uint8Array> {
  let kept = new Uint8Array(Math.min(FIRST_BYTES, maxBodyBytes));
  let length = 0;
  for (;;) {
    const next = await nextOf(chunks);
    if (next.done || stop.aborted) return kept.subarray(0, length);
    const needed = length + next.value.length;
    if (needed > maxBodyBytes) throw oversized(maxBodyBytes);
    if (needed > kept.length) {
      const larger = new Uint8Array(Math.min(Math.max(needed, kept.length * 2), maxBodyBytes));
      larger.set(kept);
      kept = larger;
    }
    kept.set(next.value, length);
    length = needed;
  }
}

async function nextOf(chunks: AsyncIterator<Uint8Array, unknown>): Promise<IteratorResult<Uint8Array, unknown>> {
  try {
    return await chunks.next();
  } catch {
    throw endedEarly();
  }
}

const endedEarly = (): Refusal => new Refusal('malformed', 'The connection ended before the body did.');

const oversized = (maxBodyBytes: number): Refusal =>
  new Refusal('oversized', `A request may have ${maxBodyBytes} bytes at most. Send fewer messages at once.`);
