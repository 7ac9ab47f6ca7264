import type { Database } from '../database.js';
import type { MessageHandlers } from '../handler/message-handlers.js';
import type { Logger } from '../logger.js';
import type { Catalogue } from '../message/catalogue.js';
import type { Message } from '../message/message.js';
import type { Reached } from '../moment.js';
import type { Followed, Following } from '../subscription/following.js';
import { receivedMessage } from './received-message.js';

export interface HandlersFollowingOptions<Tx> {
  readonly name: string;
  readonly database: Pick<Database<Tx>, 'transactions'>;
  readonly handlers: MessageHandlers<Tx>;
  readonly catalogue: Catalogue;
  readonly logger: Logger;
  readonly reached: Reached | undefined;
  /** More than 1 only where no handler calls the outside. */
  readonly batchSize: number;
}

type HandleOptions = Parameters<Following<unknown>['handle']>[2];

/**
 * Decorated handlers over a log, one transaction for each message, or each batch: the effects of all handlers, and the position behind them.
 *
 * A message that a handler calls the outside for goes from handler to handler, each behind its claim, and the position moves on last.
 */
export class HandlersFollowing<Tx> implements Following<Tx> {
  readonly types: readonly string[];
  readonly mostAtOnce: number;

  constructor(private readonly options: HandlersFollowingOptions<Tx>) {
    this.mostAtOnce = options.batchSize;
    this.types = options.catalogue.definitions.flatMap(({ type, formerly }) => [type, ...formerly]);
  }

  async handle(batch: readonly Followed[], advance: (tx: Tx) => Promise<void>, options: HandleOptions): Promise<void> {
    const { handlers, database, logger, reached } = this.options;
    const messages = batch.map((followed) => this.#messageOf(followed));
    const [first] = batch;
    if (batch.length === 1 && first?.kind === 'message' && handlers.callsOutsideFor(messages[0]!.type))
      return this.#oneByOne(messages[0]!, first.message.source, advance, options);
    await handlers.handleTogether(messages, { ...options, logger }, (work) =>
      database.transactions.run(async (tx) => {
        await work(tx);
        await reached?.('handled');
        await advance(tx);
      }, options.signal),
    );
  }

  #messageOf(followed: Followed): Message {
    if (followed.kind === 'unreadable') throw followed.unreadable.error;
    return receivedMessage(followed.message, this.options.catalogue).message;
  }

  async #oneByOne(message: Message, source: string, advance: (tx: Tx) => Promise<void>, options: HandleOptions): Promise<void> {
    const { handlers, database, logger } = this.options;
    const { attempt, signal } = options;
    // An earlier try of it may have called, whatever became of it then.
    const mayBeRepeat = options.mayBeRepeat || attempt > 1;
    for (const handler of handlers.wanting(message.type)) {
      signal.throwIfAborted();
      await handlers.handle(handler, message, source, { attempt, mayBeRepeat, signal, logger });
    }
    await database.transactions.run(advance, signal);
  }
}
