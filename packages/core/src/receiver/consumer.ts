import { systemClock } from '../clock.js';
import { InvalidOptionsError } from '../errors.js';
import type { HandledOptions, HandlesMessages } from '../handler/handled.js';
import { handled } from '../handler/handled.js';
import { MessageHandlers } from '../handler/message-handlers.js';
import { silentLogger } from '../logger.js';
import { Catalogue } from '../message/catalogue.js';
import { Follower } from '../subscription/follower.js';
import { Listeners } from '../subscription/listeners.js';
import { SubscriptionOperators } from '../subscription/operators.js';
import type { SubscriptionStatus } from '../subscription/operators.js';
import { whenPassed } from '../subscription/when-passed.js';
import type { Receipt, ReceiptMessage } from '../unit-of-work/receipt.js';
import { AckConsumption } from './ack-consumption.js';
import type { ReceiverStatus } from './ack-consumption.js';
import type { ConsumerEvents } from './consumer-events.js';
import { checkConsumerOptions, isEventLog } from './consumer-options.js';
import type { ConsumerOptions } from './consumer-options.js';
import { HandlersFollowing } from './handlers-following.js';

/** How a consumer stands. Over a log it is the same whichever process is asked; `undefined` before it was ever started. */
export type ConsumerStatus =
  ({ readonly kind: 'log'; readonly unit: 'events' | 'bytes' } & SubscriptionStatus) | ({ readonly kind: 'receiver' } & ReceiverStatus);

/**
 * Runs decorated `@InboxHandler`s on what arrives from a log or a receiver.
 *
 * Over a log: in order, one process at a time, and each message's effects (or those of `batchSize` messages) in one transaction with the position
 * behind them: once, with no claim to be kept. Only handlers in two steps are behind claims. A message that fails is tried again, and then stops the consumer, also over
 * restarts, until {@link Consumer.resume} or {@link Consumer.skip}; what no handler names is passed by.
 *
 * Over a receiver: in every process that runs one, several side by side, in no order, each handler behind its claim. A message is acknowledged
 * when all is committed; one whose handler failed comes again, or is parked at its source.
 *
 * Connections that are lost, a database that is away: it goes on by itself, with backoff, and blames no message.
 */
export class Consumer<Tx, const Handlers extends readonly object[] = readonly object[]> implements HandlesMessages {
  readonly #options: ConsumerOptions<Tx, Handlers>;
  readonly #handlers: MessageHandlers<Tx>;
  readonly #catalogue: Catalogue;
  readonly #listeners: Listeners<ConsumerEvents>;
  readonly #operators: SubscriptionOperators;
  readonly #follower: Follower<Tx> | undefined;
  readonly #acks: AckConsumption<Tx> | undefined;

  /** @throws {@link InvalidOptionsError} what cannot work: no name, no handler, two of one name, an option of the other kind of source */
  constructor(options: ConsumerOptions<Tx, Handlers>) {
    checkConsumerOptions(options);
    const { name, receiver, database, unitOfWork, handlers, middleware, clock = systemClock, random, reached } = options;
    const { batchSize = 1, logger = silentLogger } = options;
    this.#options = options;
    this.#handlers = new MessageHandlers<Tx>({ kind: 'inbox', database, unitOfWork, handlers, middleware, clock, random, reached });
    this.#catalogue = new Catalogue(this.#handlers.definitions);
    if (this.#catalogue.definitions.length === 0)
      throw new InvalidOptionsError(`Consumer "${name}" has no handler: pass instances with @InboxHandler methods.`);
    if (batchSize > 1 && this.#handlers.callOutside)
      throw new InvalidOptionsError(
        `Consumer "${name}" has a handler that calls the outside (twoStep), so each message is handled by itself: leave batchSize out, or give that handler a consumer of its own.`,
      );
    this.#listeners = new Listeners(logger, LEVELS);
    this.#operators = new SubscriptionOperators({ subscriptions: database.subscriptions, clock });
    const means = { handlers: this.#handlers, catalogue: this.#catalogue, logger };
    if (isEventLog(receiver))
      this.#follower = new Follower<Tx>({
        ...options,
        ...{ subscription: name, log: receiver, following: new HandlersFollowing<Tx>({ name, database, reached, batchSize, ...means }) },
        on: ({ name: event, event: told }) => this.#listeners.tell(event, told),
      });
    else
      this.#acks = new AckConsumption<Tx>({
        ...options,
        receiver,
        ...means,
        tell: (event, told) => this.#listeners.tell(event, told as ConsumerEvents[typeof event]),
      });
  }

  /**
   * Begins to handle what arrives. Idempotent. Resolves without waiting for the source, which may be away; over a log another process may
   * hold the subscription.
   *
   * @param options.signal - aborting it is the same as calling `stop`
   * @throws {@link SubscriptionRefusedError} over a log: the name is known for another log
   * @throws {@link DatabaseUnavailableError} over a log: it cannot be registered, and nothing runs
   */
  async start({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (this.#follower) await this.#follower.start(signal);
    else await this.#acks!.start(signal);
  }

  /** Takes nothing more, lets handlers finish (after `stopWithinMs` their signals abort), and gives back what it holds. Idempotent. */
  async stop(): Promise<void> {
    await (this.#follower ?? this.#acks!).stop();
  }

  /** Calls `listener` on every such event of this process. The returned function ends that. */
  on<Name extends keyof ConsumerEvents>(name: Name, listener: (event: ConsumerEvents[Name]) => void): () => void {
    return this.#listeners.on(name, listener);
  }

  async status(): Promise<ConsumerStatus | undefined> {
    const { name, receiver } = this.#options;
    if (!isEventLog(receiver)) return { kind: 'receiver', ...this.#acks!.status() };
    const status = await this.#operators.status(name);
    return status && { kind: 'log', unit: receiver.unit, ...status };
  }

  /** Over a log: handles nothing more until {@link Consumer.resume}, in whichever process, also over restarts. The holder sees it within a third of the lease. */
  async pause(): Promise<void> {
    await this.#operators.pause(this.#overLog());
  }

  /** Over a log: goes on after a pause, or with the message that it has stopped at. */
  async resume(): Promise<void> {
    await this.#operators.resume(this.#overLog());
  }

  /**
   * Over a log: passes by the message that it stands at, and goes on.
   *
   * @throws {@link InvalidOptionsError} it stands at another one, or at none; or there is no reason
   */
  async skip(messageId: string, reason: string): Promise<void> {
    await this.#operators.resume(this.#overLog(), { skip: messageId, reason });
  }

  /** See {@link handled}, which takes the consumer too. */
  handled(receipt: Receipt | string, options: HandledOptions = {}): Promise<'handled' | 'not-selected'> {
    return handled(receipt, this, options);
  }

  /** See {@link HandlesMessages.whenHandled}. @throws {@link SubscriptionStoppedError} over a log: it stands at a message before these */
  async whenHandled(messages: readonly ReceiptMessage[], options: HandledOptions): Promise<'handled' | 'not-selected'> {
    const { name, receiver, database, clock } = this.#options;
    if (!isEventLog(receiver)) return this.#handlers.whenHandled(messages, options);
    const selected = messages.filter(
      ({ stream, type }) => receiver.selectsStream(stream) && (type === undefined || this.#catalogue.find(type) !== undefined),
    );
    if (selected.length === 0) return 'not-selected';
    await whenPassed(selected, { ...options, subscription: name, subscriptions: database.subscriptions, clock });
    return 'handled';
  }

  #overLog(): string {
    const { name, receiver } = this.#options;
    if (isEventLog(receiver)) return name;
    throw new InvalidOptionsError(
      `Consumer "${name}" is over a receiver, which has no place to stand at: stop it in each process; what is parked is replayed at its source.`,
    );
  }
}

const LEVELS: ConstructorParameters<typeof Listeners<ConsumerEvents>>[1] = {
  ...{ advanced: 'debug', waiting: 'warn', stopped: 'error', 'lease-lost': 'warn' },
  ...{ acked: 'debug', retried: 'warn', parked: 'error', outage: 'warn' },
};
