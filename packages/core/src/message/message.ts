import type { DomainEvent } from './domain-event.js';

/** An event is a fact for anybody; a command is a request to exactly one recipient. */
export type MessageKind = 'event' | 'command';

/** What travels beside the payload. Keys of your own are strings; `traceparent` is the W3C trace context. */
export interface MessageMetadata {
  /** The conversation that this message belongs to. */
  readonly correlationId: string;
  /** The message or request that directly caused this one. */
  readonly causationId?: string;
  readonly traceparent?: string;
  readonly [key: string]: string | undefined;
}

export interface MessageFields {
  /** UUID; the idempotency key, the EventStoreDB event id, the CloudEvents id. The same on every try of a unit of work. */
  readonly id: string;
  readonly kind: MessageKind;
  readonly stream: string;
  /** Zero-based place in the stream. */
  readonly revision: bigint;
  /** When the unit of work began, by the application's clock. */
  readonly occurredAt: Date;
  readonly schemaVersion: number;
  readonly metadata: MessageMetadata;
}

/** An event on its way. A union of events gives a union of messages, so `switch (message.type)` narrows `data`. */
export type Message<Event extends DomainEvent = DomainEvent> = Event & MessageFields;
