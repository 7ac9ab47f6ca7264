import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import type { RetryOptions } from '../backoff.js';
import { InvalidOptionsError } from '../errors.js';
import type { HandlerMiddleware } from '../handler/handler-middleware.js';
import type { HandlersFor } from '../handler/handlers-for.js';
import type { Logger } from '../logger.js';
import type { Reached } from '../moment.js';
import type { EventLog } from '../subscription/event-log.js';
import { checkPatience } from '../subscription/follower-options.js';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.js';
import type { Receiver } from './receiver.js';
import { checkReceiverName } from './receiver-name.js';

export interface ConsumerOptions<Tx, Handlers extends readonly object[] = readonly object[]> {
  /** Durable name, 1 to 200 bytes: over a log, the position is kept under it. */
  readonly name: string;
  /** Where messages come from: a log to follow, or a receiver that hands them out. */
  readonly receiver: EventLog | Receiver;
  readonly database: Pick<Database<Tx>, 'inbox' | 'cases' | 'subscriptions' | 'transactions'>;
  /** Handlers' effects and outgoing messages commit through it. */
  readonly unitOfWork: UnitOfWork<NoInfer<Tx>>;
  /**
   * Instances with `@InboxHandler` methods. They run in this order. Over a log, a type that is added later is seen from the stored place on:
   * what came of it before was passed by. Give its handler a consumer of another name where it shall see all from the beginning.
   */
  readonly handlers: Handlers & HandlersFor<NoInfer<Tx>, Handlers>;
  /** Around each call of a handler, the first being the outermost. */
  readonly middleware?: readonly HandlerMiddleware[];
  /** Over a log: where a consumer of a new name begins. Default `beginning`. */
  readonly start?: 'beginning' | 'now';
  /** Over a receiver: what to do with a type that no handler names: park it at its source (the default), or acknowledge it. */
  readonly unknownTypes?: 'reject' | 'ignore';
  /** Over a receiver: what to do with a message whose handler failed. Default `retry`: the source delivers it again, and counts. */
  readonly onFailure?: 'retry' | 'park';
  /**
   * Waits between tries; over a log also the tries of a message before the consumer stops at it (default 10). Over a receiver the source counts;
   * with `attempts` it is parked after so many, if the source has not parked it before.
   */
  readonly retry?: RetryOptions;
  /** Over a receiver: most messages that are handled side by side, 1 to 1,000. Default 10. */
  readonly concurrency?: number;
  /**
   * Over a log: most messages whose effects commit together, 1 to 1,000. Default 1: a transaction for each message. More is several times as fast
   * where handlers are quick; a transaction then lasts as long as all its handlers, with the locks that they take. After a failure they come
   * one by one, so that it stops nothing but its own message. Refused where a handler calls the outside (`twoStep`).
   */
  readonly batchSize?: number;
  /** Over a log: name of this process among those that may hold the subscription. Default: host, process id and something random. */
  readonly instance?: string;
  /** Over a log: how long the subscription stays with a process that is gone, in milliseconds. Default 10,000. */
  readonly leaseMs?: number;
  /** Over a log: how long it may be silent before it is followed anew, in milliseconds. Default 60,000. */
  readonly silenceMs?: number;
  /** How long `stop` waits for handlers before their signals abort, in milliseconds. Default 10,000. */
  readonly stopWithinMs?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** 0 (inclusive) to 1 (exclusive), for jitter. */
  readonly random?: () => number;
  readonly reached?: Reached;
}

const OF_LOGS = ['start', 'batchSize', 'instance', 'leaseMs', 'silenceMs'] as const;
const OF_RECEIVERS = ['unknownTypes', 'onFailure', 'concurrency'] as const;

export const isEventLog = (receiver: EventLog | Receiver): receiver is EventLog => 'follow' in receiver;

/** @throws {@link InvalidOptionsError} what cannot work, whatever the handlers are */
export function checkConsumerOptions<Tx>(options: ConsumerOptions<Tx>): void {
  const { name, receiver, unknownTypes, onFailure, concurrency = 10, batchSize = 1 } = options;
  checkReceiverName(name);
  if (!isEventLog(receiver) && typeof receiver?.receive !== 'function')
    throw new InvalidOptionsError(`The receiver of consumer "${name}" is neither a log to follow nor a Receiver.`);
  const odd = (isEventLog(receiver) ? OF_RECEIVERS : OF_LOGS).find((option) => options[option] !== undefined);
  if (odd)
    throw new InvalidOptionsError(
      isEventLog(receiver)
        ? `${odd} is of no use over a log: what no handler names is not asked for, and one message is handled after the other. Leave it out.`
        : `${odd} is of no use over a receiver: its source remembers who has had what. Leave it out.`,
    );
  if (unknownTypes !== undefined && unknownTypes !== 'reject' && unknownTypes !== 'ignore')
    throw new InvalidOptionsError(`unknownTypes "${String(unknownTypes)}" does not exist; choose "reject" or "ignore".`);
  if (onFailure !== undefined && onFailure !== 'retry' && onFailure !== 'park')
    throw new InvalidOptionsError(`onFailure "${String(onFailure)}" does not exist; choose "retry" or "park".`);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 1_000)
    throw new InvalidOptionsError(`concurrency is ${String(concurrency)}; it must be a whole number from 1 to 1,000.`);
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > 1_000)
    throw new InvalidOptionsError(`batchSize is ${String(batchSize)}; it must be a whole number from 1 to 1,000.`);
  checkPatience(options);
}
