import type { OutboxMessage } from '@waybill/core';
import type { Sending } from '../cloudevent/message-event.js';

/** What a mapper knows beside the message. */
export interface MappedSending extends Sending {
  /** The target's name. */
  readonly target: string;
  /** The idempotency key: the message's id. It is sent as `Idempotency-Key` anyway. */
  readonly key: string;
}

/** A request in the target's own form. */
export interface MappedRequest {
  /** Default `POST`. */
  readonly method?: string;
  /** Relative to the target's url. It must not lead to another origin. Default: the url itself. */
  readonly path?: string;
  /** In place of the target's `headers` of the same names. */
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, text as it is. Its content type is `application/json` unless `headers` says otherwise. */
  readonly body?: string | object;
}

/** Makes the request of one message. What it throws is the message's trouble, and final. */
export type RequestMapper = (message: OutboxMessage, sending: MappedSending) => MappedRequest;
