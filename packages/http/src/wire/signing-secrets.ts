import { InvalidOptionsError } from '@waybill/core';
import { Webhook } from 'standardwebhooks';

/**
 * One signer for each secret, each as Standard Webhooks writes it: base64, with or without `whsec_` before it.
 *
 * @throws {@link InvalidOptionsError} a secret is empty, or no base64; its text is not told
 */
export function webhooksOf(secrets: string | readonly string[]): readonly Webhook[] {
  return [secrets].flat().map((secret, index) => {
    try {
      return new Webhook(secret);
    } catch (cause) {
      throw new InvalidOptionsError(
        `Secret ${index + 1} of the signature cannot be used: it must be base64 text, with or without "whsec_" before it, and not empty. ` +
          "Make one with: 'whsec_' + randomBytes(32).toString('base64').",
        { cause },
      );
    }
  });
}
