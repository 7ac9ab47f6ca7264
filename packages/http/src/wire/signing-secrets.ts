import { InvalidOptionsError } from '@waybill/core';
import { Webhook } from 'standardwebhooks';

/** What Standard Webhooks asks for at least: shorter ones can be guessed from a request that was caught. */
const LEAST_BYTES = 24;

/**
 * One signer for each secret, each as Standard Webhooks writes it: base64, with or without `whsec_` before it.
 *
 * @throws {@link InvalidOptionsError} a secret is too short, or no base64; its text is not told
 */
export function webhooksOf(secrets: string | readonly string[]): readonly Webhook[] {
  return [secrets].flat().map((secret, index) => {
    const refusal = (reason: string, cause?: unknown): InvalidOptionsError =>
      new InvalidOptionsError(
        `Secret ${index + 1} of the signature cannot be used: ${reason}. Make one with: 'whsec_' + randomBytes(32).toString('base64').`,
        { cause },
      );
    try {
      const signer = new Webhook(secret);
      const bytes = Buffer.from(secret.replace(/^whsec_/, ''), 'base64').length;
      if (bytes < LEAST_BYTES) throw refusal(`it has ${bytes} bytes, and ${LEAST_BYTES} are the least`);
      return signer;
    } catch (cause) {
      if (cause instanceof InvalidOptionsError) throw cause;
      throw refusal('it must be base64 text, with or without "whsec_" before it, and not empty', cause);
    }
  });
}
