import { v5 as uuidFrom } from 'uuid';
import type { AggregateRoot } from '../aggregate/aggregate-root.js';
import { InvalidAppendError, InvalidOptionsError } from '../errors.js';
import type { Catalogue } from '../message/catalogue.js';
import type { DomainEvent } from '../message/domain-event.js';
import type { Message, MessageMetadata } from '../message/message.js';
import { keyedStream } from '../message/stream-name.js';
import type { MessageToAppend, StreamAppend } from '../outbox/outbox-store.js';
import { streamHash } from '../outbox/stream-hash.js';
import { encodedMessage, keyedAppend } from './encoded-message.js';
import type { EncodedMessage, GrowingAppend } from './encoded-message.js';
import type { OpenScope, SentMessages } from './scope.js';
import type { ReceiptMessage } from './receipt.js';

/** What all messages of a run share. Minted before the first try, so that a second try writes the same rows. */
export interface Run {
  readonly id: string;
  readonly occurredAt: Date;
  readonly metadata: MessageMetadata;
}

interface Staged {
  readonly append: GrowingAppend;
  readonly aggregate?: AggregateRoot;
}

/** The messages of one try, encoded and grouped by stream, before the outbox gives them their places. */
export class StagedCommit {
  readonly #staged = new Map<string, Staged>();
  /** Messages of aggregates, as projectors see them. */
  readonly projected: Message[] = [];
  #ordinal = 0;

  constructor(
    private readonly run: Run,
    private readonly catalogue: Catalogue,
    private readonly maxPayloadBytes: number,
  ) {}

  static of<Tx>(open: OpenScope<Tx>, run: Run, catalogue: Catalogue, maxPayloadBytes: number): StagedCommit {
    const commit = new StagedCommit(run, catalogue, maxPayloadBytes);
    for (const { aggregate, adopt } of open.tracked.values()) commit.#stageAggregate(aggregate, adopt);
    for (const sent of open.sent) commit.#stageSent(sent);
    return commit;
  }

  get appends(): readonly StreamAppend[] {
    return [...this.#staged.values()].map(({ append }) => append);
  }

  get aggregates(): readonly AggregateRoot[] {
    return [...this.#staged.values()].flatMap(({ aggregate }) => aggregate ?? []);
  }

  /** Places of the messages, once the outbox has told where each append begins. */
  receiptMessages(firstRevisions: readonly bigint[]): readonly ReceiptMessage[] {
    return this.appends.flatMap(({ stream, messages }, index) =>
      messages.map(({ id, type }, offset) => ({ id, stream, revision: firstRevisions[index]! + BigInt(offset), type })),
    );
  }

  #stageAggregate(aggregate: AggregateRoot, adopt: boolean): void {
    const { stream, revision, pending } = aggregate;
    if (pending.length === 0) return;
    const origin = { type: aggregate.constructor.name, id: stream.slice(stream.indexOf('-') + 1) };
    const messages = pending.map((event, offset) => {
      const { message, data } = this.#encode(stream, event, this.run.metadata, origin);
      const { id, type, kind, schemaVersion, occurredAt, metadata } = message;
      if (kind === 'command') {
        throw new InvalidAppendError(
          stream,
          `an aggregate emitted the command ${type}; aggregates emit events, commands are sent with append()`,
        );
      }
      this.projected.push({
        id,
        type,
        kind,
        stream,
        revision: (revision ?? -1n) + 1n + BigInt(offset),
        occurredAt,
        schemaVersion,
        metadata,
        data,
      });
      return message;
    });
    this.#staged.set(stream, {
      aggregate,
      append: { stream, hash: streamHash(stream), expected: revision ?? 'no-stream', adopt, messages },
    });
  }

  #stageSent({ orderingKey, messages, expectedRevision, metadata }: SentMessages): void {
    const kinds = new Set(messages.map(({ type }) => this.catalogue.find(type)?.kind ?? 'event'));
    if (kinds.size > 1 && expectedRevision !== undefined) {
      throw new InvalidAppendError(
        orderingKey,
        'events and commands have streams of their own, so one expectedRevision cannot be for both; append them in two calls',
      );
    }
    for (const event of messages) {
      const { message } = this.#encode(orderingKey, event, { ...this.run.metadata, ...checkedMetadata(metadata) });
      const stream = keyedStream(message.kind, orderingKey);
      this.#keyed(stream, expectedRevision).messages.push(message);
    }
  }

  #keyed(stream: string, expectedRevision: bigint | 'no-stream' | undefined): Staged['append'] {
    const known = this.#staged.get(stream)?.append;
    if (known && expectedRevision !== undefined && expectedRevision !== known.expected) {
      throw new InvalidAppendError(stream, 'only its first append in a unit of work can expect a revision');
    }
    if (known) return known;
    const append = keyedAppend(stream, expectedRevision);
    this.#staged.set(stream, { append });
    return append;
  }

  #encode(stream: string, event: DomainEvent, metadata: MessageMetadata, aggregate?: MessageToAppend['aggregate']): EncodedMessage {
    const { catalogue, maxPayloadBytes } = this;
    const id = uuidFrom(String(this.#ordinal++), this.run.id);
    return encodedMessage(event, { catalogue, stream, maxPayloadBytes, id, occurredAt: this.run.occurredAt, metadata, aggregate });
  }
}

/** @throws {@link InvalidOptionsError} a value is not text, or a key is kept for EventStoreDB */
export function checkedMetadata(metadata: Readonly<Record<string, string | undefined>> = {}): Readonly<Record<string, string>> {
  const entries = Object.entries(metadata).filter((entry): entry is [string, string] => entry[1] !== undefined);
  for (const [key, value] of entries) {
    if (typeof value !== 'string') throw new InvalidOptionsError(`Metadata "${key}" is not text: convert it, or put it into the payload.`);
    if (key.startsWith('$') || key === '__proto__')
      throw new InvalidOptionsError(`Metadata key "${key}" is reserved; choose another name.`);
  }
  return Object.fromEntries(entries);
}
