import { InvalidOptionsError } from '@waybill/core';
import type { OutboxMessage } from '@waybill/core';
import { validateHeaderName, validateHeaderValue } from 'node:http';

export type ExtraHeaders = Readonly<Record<string, string>>;

/** Sent along; a function is asked before each request, with the first message of it. */
export type HeadersOption = ExtraHeaders | ((message: OutboxMessage) => ExtraHeaders | Promise<ExtraHeaders>);

const OWN = /^(webhook-.*|ce-.*|idempotency-key|content-length|transfer-encoding|connection|host|expect|upgrade|keep-alive)$/;

/**
 * The headers with their names in lower case.
 *
 * @throws {@link InvalidOptionsError} one cannot be sent, or is the sink's own; values, which may be secret, are not told
 */
export function checkedHeaders(headers: ExtraHeaders): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const quoted = JSON.stringify(name);
    if (OWN.test(name.toLowerCase())) throw new InvalidOptionsError(`The header ${quoted} is written by the sink itself; leave it out.`);
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch {
      throw new InvalidOptionsError(
        `The header ${quoted} cannot be sent: its name or its value holds a line break, or another character that headers cannot hold.`,
      );
    }
    checked[name.toLowerCase()] = value;
  }
  return checked;
}
