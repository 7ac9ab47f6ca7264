import type { OutboxMessage } from '@waybill/core';
import { CloudEvent } from 'cloudevents';
import { EXTENSION, NO_PREVIOUS } from '../wire/attributes.js';
import { JSON_TYPE } from '../wire/media-types.js';

/** What a message tells of how it was sent. */
export interface Sending {
  readonly route: string;
  /** Of the lease that it is sent under. */
  readonly epoch: bigint;
  /** Revision of the stream's message that the route delivered before it, `none` where there was none; absent: that is not told. */
  readonly previous: bigint | 'none' | undefined;
}

export interface EventOptions {
  /** Who sends: the CloudEvents `source`. */
  readonly source: string;
  /** Keys of the message's metadata that become attributes. */
  readonly metadata: readonly string[];
}

/** The attributes of a message. Its data is left out: that text is sent as it was stored. */
export function eventOf(message: OutboxMessage, { route, epoch, previous }: Sending, { source, metadata }: EventOptions): CloudEvent {
  const { correlationId, causationId, traceparent } = message.metadata;
  const attributes: Record<string, string> = {
    id: message.id,
    source,
    type: message.type,
    subject: message.stream,
    time: message.occurredAt.toISOString(),
    datacontenttype: JSON_TYPE,
    [EXTENSION.stream]: message.stream,
    [EXTENSION.revision]: String(message.revision),
    [EXTENSION.correlationId]: correlationId,
    [EXTENSION.epoch]: String(epoch),
    [EXTENSION.route]: route,
    [EXTENSION.kind]: message.kind,
    [EXTENSION.schemaVersion]: String(message.schemaVersion),
    [EXTENSION.codec]: message.codec,
  };
  if (previous !== undefined) attributes[EXTENSION.previous] = previous === 'none' ? NO_PREVIOUS : String(previous);
  if (causationId !== undefined) attributes[EXTENSION.causationId] = causationId;
  if (traceparent !== undefined) attributes[EXTENSION.traceparent] = traceparent;
  for (const key of metadata) {
    const value = Object.hasOwn(message.metadata, key) ? message.metadata[key] : undefined;
    if (value !== undefined) attributes[key] = value;
  }
  return new CloudEvent(attributes, false); // right by construction: names are checked with the options, and all values are text
}
