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
  let giveUp = (_why: Refusal): void => {};
  const givenUp = new Promise<never>((_resolve, reject) => (giveUp = reject));
  const cancel = limits.clock.after(limits.bodyWithinMs, () =>
    giveUp(new Refusal('too-slow', `Its body did not arrive within ${limits.bodyWithinMs} ms.`)),
  );
  const hungUp = (): void => giveUp(new Refusal('malformed', 'The connection ended before the body did.'));
  signal?.addEventListener('abort', hungUp, { once: true });
  if (signal?.aborted) hungUp();
  let whole = false;
  try {
    const bytes = await collect(chunks, limits.maxBodyBytes, givenUp);
    whole = true;
    return bytes;
  } finally {
    cancel();
    signal?.removeEventListener('abort', hungUp);
    // Not awaited: a generator that waits for its client does not hear of it before the client moves.
    if (!whole) chunks.return?.()?.catch(() => {});
  }
}

async function collect(chunks: AsyncIterator<Uint8Array>, maxBodyBytes: number, givenUp: Promise<never>): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const next: IteratorResult<Uint8Array, unknown> = await Promise.race([givenUp, chunks.next().catch(endedEarly)]);
    if (next.done) return Buffer.concat(kept, length);
    length += next.value.length;
    if (length > maxBodyBytes) throw oversized(maxBodyBytes);
    kept.push(next.value);
  }
}

const endedEarly = (): never => {
  throw new Refusal('malformed', 'The connection ended before the body did.');
};

const oversized = (maxBodyBytes: number): Refusal =>
  new Refusal('oversized', `A request may have ${maxBodyBytes} bytes at most. Send fewer messages at once.`);
