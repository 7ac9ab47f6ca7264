import type { EventHistory, ReadHistoryOptions } from '../aggregate/event-history.js';
import { MessageRejectedError, SinkUnavailableError } from '../errors.js';
import type { DomainEvent } from '../message/domain-event.js';
import type { RecordedMessage } from '../message/stored-message.js';
import type { OutboxMessage } from '../outbox/outbox-message.js';
import type { Delivery, Sink } from '../sink/sink.js';

export interface InMemorySinkOptions {
  /** Behave like an event store: refuse a message whose predecessor is missing, or whose place is taken. Default false. */
  readonly needsWholeStreams?: boolean;
}

/** A sink that keeps what it gets, and gives it back as a history. Recognises what it has by message id. */
export class InMemorySink implements Sink {
  readonly needsWholeStreams: boolean;
  readonly #deliveries: OutboxMessage[] = [];
  readonly #streams = new Map<string, OutboxMessage[]>();
  readonly #ids = new Set<string>();
  #broken = false;
  #refuses: (message: OutboxMessage) => boolean = () => false;

  constructor({ needsWholeStreams = false }: InMemorySinkOptions = {}) {
    this.needsWholeStreams = needsWholeStreams;
  }

  /** Every delivery, duplicates too, in the order they came. */
  get delivered(): readonly OutboxMessage[] {
    return this.#deliveries;
  }

  get history(): EventHistory {
    return { read: (stream, options) => this.#read(stream, options) };
  }

  /** What a stream holds, each message once, in the order of first acceptance. */
  events(stream: string): readonly DomainEvent[] {
    return (this.#streams.get(stream) ?? []).map(({ type, data }) => ({ type, data }));
  }

  /** From now on nothing is accepted, as if it were not there. */
  break(): void {
    this.#broken = true;
  }

  /** From now on these messages are refused, as bad. */
  refuse(which: (message: OutboxMessage) => boolean): void {
    this.#refuses = which;
  }

  /** Accepts everything again. */
  heal(): void {
    this.#broken = false;
    this.#refuses = () => false;
  }

  deliver(batch: readonly OutboxMessage[]): Promise<Delivery> {
    if (this.#broken) return Promise.resolve({ accepted: 0, failure: new SinkUnavailableError('it was told to be broken') });
    for (const [accepted, message] of batch.entries()) {
      const reason = this.#refusal(message);
      if (reason !== undefined) {
        const { id, stream, revision } = message;
        return Promise.resolve({ accepted, failure: new MessageRejectedError(id, stream, revision, reason) });
      }
      this.#accept(message);
    }
    return Promise.resolve({ accepted: batch.length });
  }

  #refusal(message: OutboxMessage): string | undefined {
    if (this.#refuses(message)) return 'it was told to refuse it';
    const next = BigInt(this.#streams.get(message.stream)?.length ?? 0);
    if (!this.needsWholeStreams || this.#ids.has(message.id) || message.revision === next) return undefined;
    return `the stream's next revision is ${next}`;
  }

  #accept(message: OutboxMessage): void {
    this.#deliveries.push(message);
    if (this.#ids.has(message.id)) return;
    this.#ids.add(message.id);
    const stream = this.#streams.get(message.stream) ?? [];
    stream.push(message);
    this.#streams.set(message.stream, stream);
  }

  async *#read(stream: string, { from }: ReadHistoryOptions): AsyncIterable<RecordedMessage> {
    const stored = (this.#streams.get(stream) ?? []).filter(({ revision }) => revision >= from);
    for (const { id, kind, type, revision, occurredAt, schemaVersion, metadata, codec, payload } of stored) {
      yield { id, kind, type, stream, revision, occurredAt, schemaVersion, metadata, codec, json: JSON.parse(payload) };
    }
  }
}
