import { CloudEvent, ValidationError } from 'cloudevents';
import { isJson, mediaTypeOf } from '../request/content-mode-of.js';
import { Refusal } from '../refusal.js';

/** Longest attribute that is kept in indexes, or told to the log, in bytes of UTF-8. */
const MOST_BYTES = 500;

/** A CloudEvent of version 1.0 that holds what it was sent with, and nothing else. */
export interface StrictEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string | undefined;
  readonly time: string | undefined;
  readonly data: unknown;
  /** Every other attribute, as text. */
  readonly extensions: ReadonlyMap<string, string>;
}

/**
 * Checks a candidate by the SDK's schema. The SDK's own reader is not asked: it makes up an id or a time where there is none, and drops data
 * that is `0`, `false`, or empty text.
 */
export function strictEvent(candidate: unknown): StrictEvent {
  if (typeof candidate !== 'object' || candidate === null || Array.isArray(candidate))
    throw new Refusal('malformed', 'A CloudEvent is a JSON object.');
  const { data, data_base64, ...rest } = candidate as Readonly<Record<string, unknown>>;
  if (data_base64 !== undefined && data_base64 !== null)
    throw new Refusal('unsupported-media-type', 'Data is taken as JSON, in `data`; not as `data_base64`.');
  const attributes = new Map(
    Object.entries(rest).flatMap(([name, value]) => (value === null || value === undefined ? [] : [[name, value]])),
  );
  for (const [name, value] of attributes) refuseUnsound(name, value);
  if (attributes.get('specversion') !== '1.0') throw new Refusal('malformed', 'Its specversion is not "1.0".');
  if (!attributes.get('id')) throw new Refusal('malformed', 'It has no id.');
  if (attributes.has('time') && !attributes.get('time')) throw new Refusal('malformed', 'Its time is empty.');
  validate(Object.fromEntries(attributes));
  const {
    id,
    source,
    type,
    subject,
    time,
    datacontenttype,
    dataschema: _schema,
    specversion: _version,
    ...extensions
  } = Object.fromEntries(attributes) as Attributes;
  if (datacontenttype !== undefined && !isJson(mediaTypeOf(datacontenttype)))
    throw new Refusal('unsupported-media-type', `Data is taken as JSON; this is ${datacontenttype}.`);
  for (const [name, value] of Object.entries({ id, source, type }))
    if (Buffer.byteLength(value) > MOST_BYTES) throw new Refusal('malformed', `Its ${name} is longer than ${MOST_BYTES} bytes.`);
  const texts = new Map(Object.entries(extensions).map(([name, value]) => [name, String(value)]));
  return { id, source, type, subject, time, data, extensions: texts };
}

interface Attributes {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  readonly time?: string;
  readonly datacontenttype?: string;
  readonly dataschema?: string;
  readonly specversion: string;
  readonly [extension: string]: string | number | boolean | undefined;
}

function validate(attributes: Readonly<Record<string, unknown>>): void {
  try {
    new CloudEvent(attributes, true);
  } catch (error) {
    const { errors = [] } = error instanceof ValidationError ? error : {};
    const issues = (Array.isArray(errors) ? errors : []).map((issue) =>
      typeof issue === 'string' ? issue : `${issue.instancePath} ${issue.message}`,
    );
    throw new Refusal('malformed', `It is no CloudEvent: ${issues.join('; ') || (error as Error).message}.`);
  }
}

// What the specification's types allow; more than that some store could not keep, or would change silently.
function refuseUnsound(name: string, value: unknown): void {
  if (typeof value === 'boolean' || Number.isSafeInteger(value)) return; // above that, two numbers would be one
  if (typeof value === 'string' && value.isWellFormed() && !/[\x00-\x1f\x7f-\x9f]/.test(value)) return;
  throw new Refusal(
    'malformed',
    `Its ${JSON.stringify(name.slice(0, 40))} is no text, boolean or whole number up to 2^53 - 1, or holds control characters.`,
  );
}
