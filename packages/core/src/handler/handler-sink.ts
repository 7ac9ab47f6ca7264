import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import { InvalidOptionsError, isWaybillError, SinkUnavailableError } from '../errors.js';
import type { MessageDefinition } from '../message/definition.js';
import type { Reached } from '../moment.js';
import type { OutboxMessage } from '../outbox/outbox-message.js';
import type { Delivery, DeliveryContext, Sink } from '../sink/sink.js';
import type { ReceiptMessage } from '../unit-of-work/receipt.js';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.js';
import { DECORATORS } from './handler-declaration.js';
import type { FoundHandler, HandlerKind } from './handler-declaration.js';
import type { HandledOptions, HandlesMessages } from './handled.js';
import type { HandlerMiddleware } from './handler-middleware.js';
import type { HandlersFor } from './handlers-for.js';
import { MessageHandlers } from './message-handlers.js';

export interface HandlerSinkOptions<Tx, Handlers extends readonly object[] = readonly object[]> {
  /** Where handlers claim and work: the application's own, also where the dispatcher runs over an arrival log. */
  readonly database: Database<Tx>;
  /** Handlers' effects and outgoing messages commit through it. */
  readonly unitOfWork: UnitOfWork<NoInfer<Tx>>;
  /** Instances with decorated methods. They run in this order. */
  readonly handlers: Handlers & HandlersFor<NoInfer<Tx>, Handlers>;
  /** Which of their methods run: those with `@OutboxHandler` (the default), or, over an {@link ArrivalLog}, those with `@InboxHandler`. */
  readonly kind?: 'outbox' | 'inbox';
  /** Around each call of a handler's code, the first outermost. */
  readonly middleware?: readonly HandlerMiddleware[];
  readonly clock?: Clock;
  /** 0 (inclusive) to 1 (exclusive), for jitter. */
  readonly random?: () => number;
  readonly reached?: Reached;
}

/**
 * A sink that runs decorated handlers, message by message in order, each behind the inbox.
 *
 * A handler that throws stops the lane at its message; handlers that had finished with it are not run again. Messages that no
 * handler wants are accepted. When a handler throws what a policy says of its target (`TARGET_UNAVAILABLE`), the lane waits as for a sink
 * that is away; after `OUTCOME_UNKNOWN`, and where a two-step handler has called and could not commit, the message comes again with
 * `mayBeRepeat`. A process that has lost its lane to another commits nothing. Takes instances; a container supplies them.
 */
export class HandlerSink<Tx, const Handlers extends readonly object[] = readonly object[]> implements Sink, HandlesMessages {
  readonly #handlers: MessageHandlers<Tx>;
  readonly #kind: HandlerKind;

  /** 1 where a handler calls the outside: after a kill, one call is in doubt, and not all of a batch. */
  readonly mostAtOnce?: number;

  /** What the handlers handle, each type once: the route selects no other. */
  readonly handles: readonly MessageDefinition[];

  /** @throws {@link InvalidOptionsError} two handlers of one name, two of one command, no handler of this kind, or an override that lost its decorator */
  constructor({ kind = 'outbox', handlers, ...options }: HandlerSinkOptions<Tx, Handlers>) {
    refuseOtherKinds(kind);
    this.#kind = kind;
    this.#handlers = new MessageHandlers<Tx>({ ...options, kind, handlers });
    if (this.#handlers.callOutside) this.mostAtOnce = 1;
    this.handles = [...new Map(this.#handlers.definitions.map((definition) => [definition.type, definition])).values()];
  }

  /** See {@link handled}. With `kind: 'inbox'` it needs the `source` that the messages were sent by. */
  whenHandled(messages: readonly ReceiptMessage[], options: HandledOptions): Promise<'handled' | 'not-selected'> {
    return this.#handlers.whenHandled(messages, options);
  }

  async deliver(batch: readonly OutboxMessage[], context: DeliveryContext): Promise<Delivery> {
    for (const [accepted, message] of batch.entries()) {
      if (context.signal.aborted) return { accepted, failure: new SinkUnavailableError('the lane is stopping') };
      for (const handler of this.#handlers.wanting(message.type)) {
        if (!message.known) return { accepted, failure: newerThanThisProcess(handler, message) };
        const failed = await this.#handle(handler, message, { ...context, attempt: accepted === 0 ? context.attempt : 1 });
        if (failed) return { accepted, ...failed };
      }
    }
    return { accepted: batch.length };
  }

  async #handle(
    handler: FoundHandler,
    message: OutboxMessage,
    { signal, attempt, mayBeRepeat, route, lane, epoch, logger }: DeliveryContext,
  ): Promise<Pick<Delivery, 'failure' | 'inDoubt'> | undefined> {
    let inDoubt = false;
    const called = (): void => void (inDoubt = true);
    // The lanes of an arrival log are of another database than the claims.
    const fence = this.#kind === 'outbox' ? { lane: { route, lane, epoch } } : {};
    try {
      await this.#handlers.handle(handler, message, route, { attempt, mayBeRepeat, signal, logger, called, ...fence });
      return undefined;
    } catch (cause) {
      return { failure: failureOf(handler, cause), inDoubt };
    }
  }
}

function failureOf({ name }: FoundHandler, cause: unknown): Delivery['failure'] {
  if (isWaybillError(cause, 'MESSAGE_REJECTED') || isWaybillError(cause, 'OUTCOME_UNKNOWN')) return cause; // the latter also when the lane is stopping: the next holder must know
  const retryAfterMs = isWaybillError(cause, 'TARGET_UNAVAILABLE') ? cause.retryAfterMs : undefined;
  return new SinkUnavailableError(`handler "${name}": ${cause instanceof Error ? cause.message : String(cause)}`, { cause, retryAfterMs });
}

// During a rolling deployment: a handler must not see a payload in a shape that it was not written for, and its lane must not halt.
function newerThanThisProcess({ name }: FoundHandler, { id, type, schemaVersion, codec }: OutboxMessage): SinkUnavailableError {
  return new SinkUnavailableError(
    `message ${id} for handler "${name}" is ${type}, schema version ${schemaVersion}, codec ${codec}, which this process does not know; deploy the definition that wrote it`,
  );
}

function refuseOtherKinds(kind: HandlerKind): void {
  if (kind in DECORATORS) return;
  throw new InvalidOptionsError(`kind "${String(kind)}" does not exist; choose "outbox", or "inbox" over an arrival log.`);
}
