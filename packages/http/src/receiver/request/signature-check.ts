import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '@waybill/core';
import type { Webhook } from 'standardwebhooks';
import { HEADER } from '../../wire/header-names.js';
import { headerOf } from '../received-request.js';
import type { RequestHeaders } from '../received-request.js';
import { Refusal } from '../refusal.js';

export interface SignatureOptions {
  /** One for each active secret. */
  readonly webhooks: readonly Webhook[];
  readonly maxAgeMs: number;
  readonly clock: Clock;
}

/**
 * Checks that one of the active secrets signed exactly this body, and not long ago.
 *
 * The signature is the library's. Its own `verify` is not asked, because it knows no other age than five minutes of the system's clock.
 */
export function checkSignature(headers: RequestHeaders, body: string, { webhooks, maxAgeMs, clock }: SignatureOptions): void {
  const [id, timestamp, signatures] = [HEADER.webhookId, HEADER.webhookTimestamp, HEADER.webhookSignature].map((name) =>
    headerOf(headers, name),
  );
  if (!id || !timestamp || !signatures)
    throw new Refusal('forged', `It must be signed: ${HEADER.webhookId}, ${HEADER.webhookTimestamp}, ${HEADER.webhookSignature}.`);
  if (!/^\d{1,12}$/.test(timestamp)) throw new Refusal('forged', `Its ${HEADER.webhookTimestamp} is no number of seconds since 1970.`);
  const signedAt = new Date(Number(timestamp) * 1_000);
  const ageMs = clock.now().getTime() - signedAt.getTime();
  if (Math.abs(ageMs) > maxAgeMs)
    throw new Refusal(
      'stale',
      `It was signed ${Math.abs(ageMs)} ms ${ageMs > 0 ? 'ago' : 'in the future'}; the limit is ${maxAgeMs}. Sign it anew.`,
    );
  const given = signatures.split(' ').map((signature) => Buffer.from(signature));
  const isGiven = (webhook: Webhook): boolean => {
    const expected = Buffer.from(webhook.sign(id, signedAt, body));
    return given.some((signature) => signature.length === expected.length && timingSafeEqual(signature, expected));
  };
  if (!webhooks.some(isGiven)) throw new Refusal('forged', 'Its signature is of another body, or made with another secret.');
}
