import type { FaultPlan } from '../faults/fault-plan.js';
import { resolve } from '../read/links.js';
import type { EventStore } from '../store/event-store.js';
import { subscriberDropped } from '../wire/statuses.js';
import { Checkpoint } from './checkpoint.js';
import { asRetry } from './competing-message.js';
import type { CompetingMessage } from './competing-message.js';
import { Consumer } from './consumer.js';
import type { ConsumerCall } from './consumer.js';
import { strategyByName } from './strategy-by-name.js';
import type { ConsumerStrategy } from './consumer-strategy.js';
import type { GroupDefinition } from './group-definition.js';
import { keyOf } from './group-definition.js';
import { GroupReader } from './group-reader.js';
import { ParkedMessages } from './parked-messages.js';
import type { ServerWriter } from './server-writer.js';
import { WaitingMessages } from './waiting-messages.js';

export interface SubscriptionGroupParts {
  readonly definition: GroupDefinition;
  readonly store: EventStore;
  readonly writer: ServerWriter;
  readonly faults: FaultPlan;
}

export type NackAction = 'retry' | 'park' | 'skip' | 'stop';

interface InHand {
  readonly message: CompetingMessage;
  readonly consumer: Consumer;
  readonly dueAt: number;
}

/**
 * A persistent subscription: hands each message of its source to one of its consumers, and remembers which are done.
 *
 * A message waits, or is in a consumer's hands, until it is acknowledged, skipped or parked. Unanswered in time, refused or lost with its
 * consumer, it waits again and counts one retry; at the most retries it is parked. The checkpoint is behind everything that is not done.
 */
export class SubscriptionGroup {
  readonly parked: ParkedMessages;
  readonly checkpoint: Checkpoint;
  readonly waiting = new WaitingMessages();
  readonly #inHand = new Map<string, InHand>();
  readonly #strategy: ConsumerStrategy;
  readonly #reader: GroupReader;
  #lastRead: { readonly place: number | undefined; readonly sequence: number };
  #checkpointed = { sequence: 0, at: 0 };
  #delivered = 0;
  #pumpScheduled = false;
  #knownAs = 0;
  #closed = false;

  constructor(private readonly parts: SubscriptionGroupParts) {
    const { definition, store, writer } = parts;
    const key = keyOf(definition);
    this.parked = new ParkedMessages({ key, store, writer });
    this.checkpoint = new Checkpoint({ source: definition.source, key, store, writer });
    this.#strategy = strategyByName(definition.settings.strategy)!;
    this.#reader = new GroupReader(definition, store, this.checkpoint.load());
    this.#lastRead = { place: this.checkpoint.place, sequence: 0 };
  }

  get definition(): GroupDefinition {
    return this.parts.definition;
  }

  get consumers(): readonly Consumer[] {
    return this.#strategy.consumers;
  }

  get inHand(): number {
    return this.#inHand.size;
  }

  get delivered(): number {
    return this.#delivered;
  }

  /** @returns `undefined` when there are as many consumers as there may be */
  connect(call: ConsumerCall): Consumer | undefined {
    const { maxSubscriberCount } = this.definition.settings;
    if (maxSubscriberCount > 0 && this.consumers.length >= maxSubscriberCount) return undefined;
    const consumer = new Consumer(call);
    this.#knownAs = this.parts.faults.timesForgotten;
    this.#strategy.add(consumer);
    this.pumpSoon();
    return consumer;
  }

  /** The consumer is gone; what it had in its hands goes to others. */
  disconnect(consumer: Consumer): void {
    if (this.#closed || !this.consumers.includes(consumer)) return;
    this.#strategy.remove(consumer);
    for (const id of consumer.inHand) this.#tryAgain(id);
    this.pumpSoon();
  }

  /** An answer counts whoever gives it, even if the message has meanwhile gone to another consumer. */
  ack(ids: readonly string[]): void {
    for (const id of ids) this.#take(id);
    this.#progressed();
  }

  nack(ids: readonly string[], action: NackAction, reason: string): void {
    for (const id of ids) {
      if (action === 'retry') this.#tryAgain(id);
      else if (action === 'park') this.#park(this.#take(id), `Client explicitly NAK'ed message.\n${reason}`);
      else this.#take(id);
    }
    this.#progressed();
  }

  /** Delivers parked messages again, as if for the first time. */
  replayParked(stopAt?: number): void {
    for (const link of this.parked.take(stopAt))
      this.waiting.addAgain({
        id: link.id,
        resolved: resolve(this.parts.store, link, true),
        retryCount: 0,
        replayed: true,
        previousPlace: undefined,
        sequence: Infinity,
      });
    this.pumpSoon();
  }

  /** Looks at what time has done: messages that were not answered, checkpoints that are due. */
  tick(now: number): void {
    for (const [id, { dueAt }] of this.#inHand) if (dueAt <= now) this.#tryAgain(id);
    this.#markCheckpoint({ timed: true });
    this.pumpSoon();
  }

  /** Not within the commit or the answer that gave the reason, and once for many of them. */
  pumpSoon(): void {
    if (this.#pumpScheduled || this.consumers.length === 0) return;
    this.#pumpScheduled = true;
    queueMicrotask(() => {
      this.#pumpScheduled = false;
      if (this.parts.faults.muted) this.parts.faults.whenHeard(() => this.pumpSoon());
      else this.#pump();
    });
  }

  /** Ends all calls: the group is deleted, changed, or its server restarts. */
  drop(): void {
    this.#closed = true;
    const { source, group } = this.definition;
    for (const { call } of this.consumers) call.end(subscriberDropped({ source, group }));
  }

  /** Forgets everything without a word, as a killed process does. */
  close(): void {
    this.#closed = true;
  }

  #progressed(): void {
    this.#markCheckpoint({ timed: false });
    this.pumpSoon();
  }

  #pump(): void {
    while (!this.#closed) {
      this.#refill();
      if (this.parts.faults.timesForgotten !== this.#knownAs) return;
      if (this.waiting.offer((message) => this.#deliver(message)) === 0) return;
    }
  }

  #refill(): void {
    const { historyBufferSize, readBatchSize } = this.definition.settings;
    while (historyBufferSize - this.waiting.size >= readBatchSize) {
      for (let count = 0; count < Math.max(readBatchSize, 1); count += 1) if (!this.#readOne()) return;
    }
  }

  #readOne(): boolean {
    const record = this.#reader.next();
    if (!record) return false;
    const resolved = resolve(this.parts.store, record, this.definition.settings.resolveLinks);
    const sequence = this.#lastRead.sequence + 1;
    this.waiting.addRead({ id: record.id, resolved, retryCount: 0, replayed: false, previousPlace: this.#lastRead.place, sequence });
    this.#lastRead = { place: this.#reader.placeOf(record), sequence };
    return true;
  }

  #deliver(message: CompetingMessage): 'sent' | 'skip' | 'full' {
    if (this.#inHand.has(message.id)) return 'skip'; // stored twice under one id: the answers could not be told apart
    const consumer = this.#strategy.choose(message);
    if (typeof consumer === 'string') return consumer;
    const { messageTimeoutMs } = this.definition.settings;
    this.#inHand.set(message.id, { message, consumer, dueAt: messageTimeoutMs > 0 ? performance.now() + messageTimeoutMs : Infinity });
    this.#delivered += 1;
    consumer.deliver(message);
    return 'sent';
  }

  /** Takes a message out of its consumer's hands. */
  #take(id: string): CompetingMessage | undefined {
    const inHand = this.#inHand.get(id);
    if (!inHand) return undefined;
    this.#inHand.delete(id);
    inHand.consumer.release(id);
    return inHand.message;
  }

  #tryAgain(id: string): void {
    const message = this.#take(id);
    if (!message) return;
    const { maxRetryCount } = this.definition.settings;
    if (message.retryCount >= maxRetryCount) this.#park(message, `Reached retry count of ${maxRetryCount}`);
    else this.waiting.addAgain(asRetry(message));
  }

  #park(message: CompetingMessage | undefined, reason: string): void {
    if (message) this.parked.park(message, reason);
  }

  #markCheckpoint({ timed }: { readonly timed: boolean }): void {
    const { minCheckpointCount, maxCheckpointCount, checkpointAfterMs } = this.definition.settings;
    const mostDone = this.#lastRead.sequence - this.#checkpointed.sequence;
    if (mostDone < maxCheckpointCount && (!timed || mostDone < minCheckpointCount)) return; // nothing can be due: do not look
    const { place, sequence } = this.#done();
    const difference = sequence - this.#checkpointed.sequence;
    const isDue = timed && difference >= minCheckpointCount && performance.now() - this.#checkpointed.at >= checkpointAfterMs;
    if (place === undefined || difference <= 0 || (difference < maxCheckpointCount && !isDue)) return;
    this.#checkpointed = { sequence, at: performance.now() };
    this.checkpoint.write(place);
  }

  /** The last place up to which every message is done. */
  #done(): { readonly place: number | undefined; readonly sequence: number } {
    let [place, sequence] = [this.#lastRead.place, this.#lastRead.sequence];
    const consider = (message: CompetingMessage): void => {
      if (!message.replayed && message.sequence <= sequence) [place, sequence] = [message.previousPlace, message.sequence - 1];
    };
    for (const { message } of this.#inHand.values()) consider(message);
    for (const message of this.waiting.again) consider(message);
    if (this.waiting.read[0]) consider(this.waiting.read[0]);
    return { place, sequence };
  }
}
