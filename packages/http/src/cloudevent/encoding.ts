import type { CloudEvent } from 'cloudevents';
import { HTTP } from 'cloudevents';
import { asHeaderValue } from '../wire/header-value.js';
import { BATCH_TYPE } from '../wire/media-types.js';

/** A request as one of the modes of CloudEvents writes it. */
export interface Encoded {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** All in the body: what is signed covers every attribute. */
export function structured(event: CloudEvent, payload: string): Encoded {
  const { headers, body } = HTTP.structured(event);
  return { headers: headers as Record<string, string>, body: completed(body as string, payload) };
}

/** Attributes as headers, the payload alone as the body. */
export function binary(event: CloudEvent, payload: string): Encoded {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(HTTP.binary(event).headers))
    headers[name] = name.startsWith('ce-') ? asHeaderValue(String(value)) : String(value);
  return { headers, body: payload };
}

/** Many in one body. */
export function batch(events: readonly string[]): Encoded {
  return { headers: { 'content-type': `${BATCH_TYPE}; charset=utf-8` }, body: `[${events.join(',')}]` };
}

/**
 * The event as JSON text, with the payload as it was stored: to parse it and write it again would cost more than all the rest, and change
 * numbers that JavaScript cannot hold.
 */
export function withData(event: CloudEvent, payload: string): string {
  return completed(event.toString(), payload);
}

const completed = (event: string, payload: string): string => `${event.slice(0, -1)},"data":${payload}}`;
