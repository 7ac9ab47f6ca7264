import { InvalidOptionsError } from '@waybill/core';
import type { Webhook } from 'standardwebhooks';
import { HEADER } from '../wire/header-names.js';
import { webhooksOf } from '../wire/signing-secrets.js';

type SecretTexts = string | readonly string[];

/** `whsec_...`, one or several. A function is asked before each request: secrets can change while the sink runs. */
export type Secrets = SecretTexts | (() => SecretTexts | Promise<SecretTexts>);

/** Who signs the bodies of one target. */
export class Signature {
  readonly #source: () => SecretTexts | Promise<SecretTexts>;
  #signers: { readonly of: string; readonly webhooks: readonly Webhook[] } | undefined;

  /** @throws {@link InvalidOptionsError} a secret cannot be used */
  constructor(secrets: Secrets) {
    this.#source = typeof secrets === 'function' ? secrets : () => secrets;
    if (typeof secrets !== 'function') this.signersOf(secrets);
  }

  /** Of now; later, where the function takes its time. */
  secrets(): SecretTexts | Promise<SecretTexts> {
    return this.#source();
  }

  /** @throws {@link InvalidOptionsError} the function gave a secret that cannot be used */
  signersOf(secrets: SecretTexts): readonly Webhook[] {
    const of = typeof secrets === 'string' ? secrets : secrets.join(' ');
    if (of === '')
      throw new InvalidOptionsError('There is no secret to sign with: give at least one, or leave `secrets` out to send unsigned.');
    if (this.#signers?.of !== of) this.#signers = { of, webhooks: webhooksOf(secrets) };
    return this.#signers.webhooks;
  }
}

/** The headers that sign a body: one signature for each secret. */
export function signed(
  signers: readonly Webhook[],
  { key, body }: { readonly key: string; readonly body: string },
  now: Date,
): Record<string, string> {
  return {
    [HEADER.webhookId]: key,
    [HEADER.webhookTimestamp]: String(Math.floor(now.getTime() / 1_000)),
    [HEADER.webhookSignature]: signers.map((webhook) => webhook.sign(key, now, body)).join(' '),
  };
}
