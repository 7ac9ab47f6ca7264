import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import { InvalidOptionsError } from '../errors.js';
import type { HandledOptions, HandlesMessages } from '../handler/handled.js';
import type { HandlerMiddleware } from '../handler/handler-middleware.js';
import type { HandlersFor } from '../handler/handlers-for.js';
import { refuseStrangers } from '../handler/checked-handlers.js';
import { MessageHandlers } from '../handler/message-handlers.js';
import { claimOfArrival } from '../inbox/claim-of-arrival.js';
import { silentLogger } from '../logger.js';
import type { Logger } from '../logger.js';
import { Catalogue } from '../message/catalogue.js';
import type { MessageDefinition } from '../message/definition.js';
import type { Reached } from '../moment.js';
import type { ReceiptMessage } from '../unit-of-work/receipt.js';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.js';
import { arrivalOrder } from './arrival-order.js';
import type { ArrivalOrder, OrderOptions } from './arrival-order.js';
import type { ArrivedMessage } from './arrived-message.js';
import type { Intake, Taken, TakeOptions } from './intake.js';
import { checkArrived, receivedMessage } from './received-message.js';
import { checkReceiverName } from './receiver-name.js';

export interface InboxHandlersOptions<Tx, Handlers extends readonly object[] = readonly object[]> extends OrderOptions {
  /** The receiver's durable name, 1 to 200 bytes: with `inOrder` the last arrival of each stream is remembered under it. */
  readonly name: string;
  readonly database: Pick<Database<Tx>, 'inbox' | 'arrivals' | 'cases'>;
  /** Handlers' effects and outgoing messages commit through it. */
  readonly unitOfWork: UnitOfWork<NoInfer<Tx>>;
  /** Instances with `@InboxHandler` methods. They run in this order. */
  readonly handlers: Handlers & HandlersFor<NoInfer<Tx>, Handlers>;
  /** All that can arrive, as its senders define it: a handler of anything else is refused. Default: what the handlers name. */
  readonly catalogue?: readonly MessageDefinition[];
  /** What to do with a type that no handler names: refuse it (the default), or say `handled` and do nothing. */
  readonly unknownTypes?: 'reject' | 'ignore';
  /** Around each call of a handler's code, the first outermost. */
  readonly middleware?: readonly HandlerMiddleware[];
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** 0 (inclusive) to 1 (exclusive), for jitter. */
  readonly random?: () => number;
  readonly reached?: Reached;
}

/**
 * Handles what arrives before it answers: every `@InboxHandler` behind the inbox, in order, each in a transaction of its own.
 *
 * A handler that fails leaves its claim free, and `take` rejects with `MESSAGE_REJECTED`, its error being the cause; those before it have finished and are not run again. Messages
 * of former names and older schema versions come in today's shape. With `inOrder` the arrival is recorded after all effects are committed: a
 * crash in between is made good when the message comes again. A sender sends the messages of a stream one after another, as it waits for
 * answers anyway.
 */
export class InboxHandlers<Tx, const Handlers extends readonly object[] = readonly object[]> implements Intake, HandlesMessages {
  readonly #options: InboxHandlersOptions<Tx, Handlers>;
  readonly #handlers: MessageHandlers<Tx>;
  readonly #catalogue: Catalogue;
  readonly #order: ArrivalOrder<Tx> | undefined;

  /** @throws {@link InvalidOptionsError} no name, no handler, two of one name, two definitions of one type, or one that is not in the catalogue */
  constructor(options: InboxHandlersOptions<Tx, Handlers>) {
    const { name, database, unitOfWork, handlers, unknownTypes = 'reject', catalogue, middleware, clock, random, reached } = options;
    checkReceiverName(name);
    if (unknownTypes !== 'reject' && unknownTypes !== 'ignore')
      throw new InvalidOptionsError(`unknownTypes "${String(unknownTypes)}" does not exist; choose "reject" or "ignore".`);
    this.#options = options;
    this.#handlers = new MessageHandlers<Tx>({ kind: 'inbox', database, unitOfWork, handlers, middleware, clock, random, reached });
    this.#catalogue = new Catalogue(this.#handlers.definitions);
    if (this.#catalogue.definitions.length === 0)
      throw new InvalidOptionsError(`Receiver "${name}" has no handler: pass instances with @InboxHandler methods.`);
    if (catalogue) refuseStrangers(this.#handlers.definitions, catalogue);
    this.#order = arrivalOrder(options, database.arrivals, name);
  }

  async take(arrived: ArrivedMessage, options: TakeOptions): Promise<Taken> {
    const { unitOfWork, reached } = this.#options;
    const { signal } = options;
    const handling = this.#handling(arrived, options);
    const order = this.#order;
    const atomic = { retryOnConflict: 3, signal };

    if (order) {
      const { result } = await unitOfWork.run(({ tx }) => order.admit(arrived, () => handling.isKnown(tx), tx), atomic);
      if (result === 'duplicate') return 'duplicate';
    }
    const taken = await handling.handle();
    await reached?.('committed');
    if (order) await unitOfWork.run(({ tx }) => order.record(arrived, tx), atomic);
    return taken;
  }

  /** See {@link handled}. It needs the `source` that the messages were sent by. */
  whenHandled(messages: readonly ReceiptMessage[], options: HandledOptions): Promise<'handled' | 'not-selected'> {
    return this.#handlers.whenHandled(messages, options);
  }

  /** Checked now, to be handled later: a message that can never be taken is refused whatever arrived before it. */
  #handling(arrived: ArrivedMessage, { signal, redelivered = false }: TakeOptions): Handling<Tx> {
    const { unknownTypes, database, logger = silentLogger } = this.#options;
    if (unknownTypes === 'ignore' && !this.#catalogue.find(arrived.type)) {
      checkArrived(arrived);
      return { isKnown: () => Promise.resolve(true), handle: () => Promise.resolve('handled') };
    }
    const { message } = receivedMessage(arrived, this.#catalogue);
    const [handlers, claimId] = [this.#handlers.wanting(message.type), claimOfArrival(message)];
    return {
      // By any of them: one that was added since has not seen it.
      isKnown: async (tx) => {
        for (const { name } of handlers) if (await database.inbox.claimed(name, claimId, tx)) return true;
        return false;
      },
      handle: async () => {
        let taken: Taken = 'duplicate';
        for (const handler of handlers) {
          signal.throwIfAborted();
          const context = { attempt: 1, mayBeRepeat: redelivered, signal, logger };
          if ((await this.#handlers.handle(handler, message, arrived.source, context)) === 'handled') taken = 'handled';
        }
        return taken;
      },
    };
  }
}

interface Handling<Tx> {
  /** Whether this very message was handled before. */
  isKnown(tx: Tx): Promise<boolean>;
  handle(): Promise<Taken>;
}
