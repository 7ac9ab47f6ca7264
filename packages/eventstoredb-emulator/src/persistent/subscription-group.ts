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
import { MessagesInHand } from './messages-in-hand.js';
import { ParkedMessages } from './parked-messages.js';
import { Progress } from './progress.js';
import type { ServerWriter } from './server-writer.js';
import { WaitingMessages } from './waiting-messages.js';

export interface SubscriptionGroupParts {
  readonly definition: GroupDefinition;
  readonly store: EventStore;
  readonly writer: ServerWriter;
  readonly faults: FaultPlan;
}

export type NackAction = 'retry' | 'park' | 'skip' | 'stop';

/**
 * A persistent subscription: hands each message of its source to one of its consumers, and remembers which are done.
 *
 * A message waits, or is in a consumer's hands, until it is acknowledged, skipped or parked. Unanswered in time, refused or lost with its
 * consumer, it waits again and counts one retry; refused or unanswered at the most retries it is parked. The checkpoint is behind everything that is not done.
 */
export class SubscriptionGroup {
  readonly parked: ParkedMessages;
  readonly checkpoint: Checkpoint;
  readonly waiting = new WaitingMessages();
  readonly #inHand = new MessagesInHand();
  readonly #strategy: ConsumerStrategy;
  readonly #reader: GroupReader;
  readonly #progress: Progress;
  #delivered = 0;
  #isLive = false;
  #readLive = 0;
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
    this.#progress = new Progress({ checkpoint: this.checkpoint, settings: definition.settings });
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

  /** The last messages that came while it was live. The real server keeps and counts them, whether or not they were handed out. */
  get liveBufferCount(): number {
    return Math.min(this.#readLive, this.definition.settings.liveBufferSize);
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
    for (const id of consumer.inHand) this.#handOutAgain(this.#inHand.take(id));
    this.pumpSoon();
  }

  /** An answer counts whoever gives it, even if the message has meanwhile gone to another consumer. */
  ack(ids: readonly string[]): void {
    for (const id of ids) this.#inHand.take(id);
    this.pumpSoon();
  }

  nack(ids: readonly string[], action: NackAction, reason: string): void {
    for (const id of ids) {
      if (action === 'retry') this.#tryAgain(id);
      else this.#settle(this.#inHand.take(id), action, reason);
    }
    this.pumpSoon();
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
    for (const id of this.#inHand.overdue(now)) this.#tryAgain(id);
    this.#markCheckpoint({ timed: true });
    this.pumpSoon();
  }

  /** Not within the commit or the answer that gave the reason, and once for all that come in together. */
  pumpSoon(): void {
    if (this.#pumpScheduled || this.consumers.length === 0) return;
    this.#pumpScheduled = true;
    setImmediate(() => {
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

  #pump(): void {
    if (!this.#closed) this.#markCheckpoint({ timed: false });
    while (!this.#closed) {
      this.#refill();
      if (this.parts.faults.timesForgotten !== this.#knownAs) return;
      if (this.waiting.offer((message) => this.#deliver(message)) === 0) return;
    }
  }

  #refill(): void {
    const { historyBufferSize, readBatchSize } = this.definition.settings;
    while (historyBufferSize - this.waiting.size >= readBatchSize) {
      for (let count = 0; count < Math.max(readBatchSize, 1); count += 1) {
        const outcome = this.#readOne();
        if (outcome === 'later') return this.pumpSoon();
        if (outcome === 'end') return;
      }
    }
  }

  #readOne(): 'read' | 'later' | 'end' {
    const record = this.#reader.next();
    if (record === 'later') return record;
    if (!record) {
      this.#isLive = true;
      return 'end';
    }
    if (this.#isLive) this.#readLive += 1;
    const resolved = resolve(this.parts.store, record, this.definition.settings.resolveLinks);
    const read = this.#progress.read(this.#reader.placeOf(record));
    this.waiting.addRead({ id: record.id, resolved, retryCount: 0, replayed: false, ...read });
    return 'read';
  }

  #deliver(message: CompetingMessage): 'sent' | 'skip' | 'full' {
    if (this.#inHand.has(message.id)) return 'skip'; // stored twice under one id: the answers could not be told apart
    const consumer = this.#strategy.choose(message);
    if (typeof consumer === 'string') return consumer;
    this.#inHand.give(message, consumer, this.definition.settings.messageTimeoutMs);
    this.#delivered += 1;
    return 'sent';
  }

  #tryAgain(id: string): void {
    const message = this.#inHand.take(id);
    if (!message) return;
    const { maxRetryCount } = this.definition.settings;
    if (message.retryCount >= maxRetryCount) this.parked.park(message, `Reached retry count of ${maxRetryCount}`);
    else this.#handOutAgain(message);
  }

  #handOutAgain(message: CompetingMessage | undefined): void {
    if (message) this.waiting.addAgain(asRetry(message));
  }

  /** The real server has an action "stop" too, which does what "skip" does. */
  #settle(message: CompetingMessage | undefined, action: NackAction, reason: string): void {
    if (message && action === 'park') this.parked.park(message, `Client explicitly NAK'ed message.\n${reason}`);
  }

  #markCheckpoint({ timed }: { readonly timed: boolean }): void {
    this.#progress.mark(this.waiting.read, () => [...this.#inHand.messages(), ...this.waiting.again], { timed });
  }
}
