import { MessageRejectedError } from '@waybill/core';
import type { OutboxMessage } from '@waybill/core';
import { v5 as uuidFrom } from 'uuid';
import { batch, binary, structured, withData } from '../cloudevent/encoding.js';
import { eventOf } from '../cloudevent/message-event.js';
import type { EventOptions, Sending } from '../cloudevent/message-event.js';
import type { ContentMode } from '../wire/content-mode.js';
import { JSON_TYPE } from '../wire/media-types.js';
import { notAPromise } from './not-a-promise.js';
import { checkedHeaders } from './request-headers.js';
import type { RequestMapper } from './request-mapper.js';

/** A request before it is signed. */
export interface Draft {
  /** The idempotency key. */
  readonly key: string;
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Headers where the target's own say nothing else. */
  readonly defaults?: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface DraftOptions extends EventOptions {
  readonly target: string;
  readonly url: URL;
  readonly mode: ContentMode;
  readonly request: RequestMapper | undefined;
}

/** What is told of each message that is sent. */
export type SendingOf = (message: OutboxMessage) => Sending;

// Any will do, as long as it never changes: the keys of batches are made from it.
const BATCH_KEYS = '6f1c0f0e-6d0a-5f0b-9a86-3f4f6f7f6b5e';

/**
 * The request that carries these messages: one, or in batch mode at least one.
 *
 * @throws {@link MessageRejectedError} the mapper failed; final
 */
export function draftOf(messages: readonly OutboxMessage[], sendingOf: SendingOf, options: DraftOptions): Draft {
  const { url, mode, request } = options;
  const message = messages[0]!;
  if (request) return mapped(message, request, sendingOf(message), options);
  if (mode === 'batch') {
    const events = messages.map((each) => withData(eventOf(each, sendingOf(each), options), each.payload));
    return { key: batchKey(messages), method: 'POST', url, ...batch(events) };
  }
  const encode = mode === 'binary' ? binary : structured;
  const { headers, body } = encode(eventOf(message, sendingOf(message), options), message.payload);
  return { key: message.id, method: 'POST', url, headers: { ...headers, ...tracing(message) }, body };
}

/** The same messages have the same key, and others another. */
export function batchKey(messages: readonly OutboxMessage[]): string {
  return uuidFrom(messages.map(({ id }) => id).join(','), BATCH_KEYS);
}

function mapped(message: OutboxMessage, request: RequestMapper, sending: Sending, { url, target }: DraftOptions): Draft {
  try {
    const {
      method = 'POST',
      path,
      headers = {},
      body = '',
    } = notAPromise('request', request(message, { ...sending, target, key: message.id }));
    const to = path === undefined ? url : new URL(path, url);
    if (to.origin !== url.origin) throw new Error(`the path ${JSON.stringify(path)} leads away from ${url.origin}`);
    return {
      key: message.id,
      method,
      url: to,
      headers: { ...tracing(message), ...checkedHeaders(headers) },
      defaults: { 'content-type': JSON_TYPE },
      body: typeof body === 'string' ? body : asJson(body),
    };
  } catch (cause) {
    const { id, stream, revision } = message;
    const detail = `no request for ${target} could be made of it: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new MessageRejectedError(id, stream, revision, detail, { cause, final: true });
  }
}

/** What JSON would make nothing of (a form, bytes, a map) is no body: the target would get `{}` and say yes to it. */
function asJson(body: object): string {
  const isPlain = body === null || Array.isArray(body) || [Object.prototype, null].includes(Object.getPrototypeOf(body) as object | null);
  if (isPlain || (!ArrayBuffer.isView(body) && 'toJSON' in body)) return JSON.stringify(body);
  throw new TypeError(`a ${body.constructor.name} cannot be sent as JSON; make it text, e.g. form.toString(), and name its content-type`);
}

const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

/** For those who trace HTTP and do not look into CloudEvents. What is no trace context is not sent: it would stop the message, for a trace. */
function tracing({ metadata: { traceparent } }: OutboxMessage): Record<string, string> {
  return traceparent !== undefined && TRACEPARENT.test(traceparent) ? { traceparent } : {};
}
