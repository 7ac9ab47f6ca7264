import type { ContentMode } from '../../wire/content-mode.js';
import { ATTRIBUTE_HEADER_PREFIX } from '../../wire/header-names.js';
import { fromHeaderValue } from '../../wire/header-value.js';
import { headerOf } from '../received-request.js';
import type { RequestHeaders } from '../received-request.js';
import { Refusal } from '../refusal.js';
import { parseJson } from './parse-json.js';

/** What claims to be CloudEvents in a request, in order; nothing of it is checked but that it is JSON. */
export function candidatesOf(mode: ContentMode, headers: RequestHeaders, body: string, maxBatch: number): readonly unknown[] {
  if (mode === 'binary') return [fromHeaders(headers, body)];
  const json = parseJson(body);
  if (mode === 'structured') return [json];
  if (!Array.isArray(json)) throw new Refusal('malformed', 'A batch is a JSON array of CloudEvents.');
  if (json.length > maxBatch) throw new Refusal('oversized', `A batch may have ${maxBatch} messages at most; this one has ${json.length}.`);
  return json;
}

function fromHeaders(headers: RequestHeaders, body: string): Readonly<Record<string, unknown>> {
  const attributes: Record<string, unknown> = {};
  for (const name of Object.keys(headers)) {
    if (!name.startsWith(ATTRIBUTE_HEADER_PREFIX)) continue;
    const value = headerOf(headers, name);
    if (value !== undefined) attributes[name.slice(ATTRIBUTE_HEADER_PREFIX.length)] = fromHeaderValue(unquoted(value));
  }
  return { ...attributes, datacontenttype: headerOf(headers, 'content-type'), ...(body !== '' && { data: parseJson(body) }) };
}

// As an older edition of the binding had senders write what holds spaces.
const unquoted = (value: string): string => /^"(.*)"$/.exec(value)?.[1]?.replace(/\\(.)/g, '$1') ?? value;
