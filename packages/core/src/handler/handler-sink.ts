import { systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import { InvalidOptionsError, isWaybillError, MessageRejectedError, SinkUnavailableError } from '../errors.js';
import { Inbox } from '../inbox/inbox.js';
import type { MessageDefinition } from '../message/definition.js';
import type { Message } from '../message/message.js';
import type { Reached } from '../moment.js';
import type { OutboxMessage } from '../outbox/outbox-message.js';
import type { Delivery, DeliveryContext, Sink } from '../sink/sink.js';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.js';
import { handlersOf } from './handler-declaration.js';
import type { FoundHandler } from './handler-declaration.js';
import type { CallContext, Commit, HandlerContext, HandlersFor } from './outbox-handler.js';

export interface HandlerSinkOptions<Tx, Handlers extends readonly object[] = readonly object[]> {
  readonly database: Database<Tx>;
  /** Handlers' effects and outgoing messages commit through it. */
  readonly unitOfWork: UnitOfWork<NoInfer<Tx>>;
  /** Instances with `@OutboxHandler` methods. They run in this order. */
  readonly handlers: Handlers & HandlersFor<NoInfer<Tx>, Handlers>;
  readonly clock?: Clock;
  readonly reached?: Reached;
}

/**
 * A sink that runs decorated handlers, message by message in order, each behind the inbox.
 *
 * A handler that throws stops the lane at its message; handlers that had finished with it are not run again. Messages that no
 * handler wants are accepted. Takes instances; a container supplies them.
 */
export class HandlerSink<Tx, const Handlers extends readonly object[] = readonly object[]> implements Sink {
  readonly #inbox: Inbox<Tx>;
  readonly #handlers: readonly FoundHandler[];
  readonly #reached: Reached | undefined;

  /** What the handlers handle, each type once: the route selects no other. */
  readonly handles: readonly MessageDefinition[];

  /** @throws {@link InvalidOptionsError} two handlers of one name, no handler, or an override that lost its decorator */
  constructor({ database, unitOfWork, handlers, clock = systemClock, reached }: HandlerSinkOptions<Tx, Handlers>) {
    this.#inbox = new Inbox<Tx>({ database, unitOfWork, clock, ...(reached && { reached }) });
    this.#handlers = (handlers as readonly object[]).flatMap(handlersOf);
    this.#reached = reached;
    const names = new Map<string, FoundHandler>();
    for (const handler of this.#handlers) {
      const other = names.get(handler.name);
      if (other)
        throw new InvalidOptionsError(
          `Two handlers are named "${handler.name}": ${whereIs(other)} and ${whereIs(handler)}. The inbox remembers by name, so one would hide the other.`,
        );
      names.set(handler.name, handler);
    }
    this.handles = [...new Map(this.#handlers.flatMap(({ events }) => events.map((definition) => [definition.type, definition]))).values()];
  }

  async deliver(batch: readonly OutboxMessage[], context: DeliveryContext): Promise<Delivery> {
    for (const [accepted, message] of batch.entries()) {
      if (context.signal.aborted) return { accepted, failure: new SinkUnavailableError('the lane is stopping') };
      for (const handler of this.#handlers) {
        if (!handler.events.some(({ type }) => type === message.type)) continue;
        if (!message.known) return { accepted, failure: newerThanThisProcess(handler, message) };
        const failure = await this.#handle(handler, message, { ...context, attempt: accepted === 0 ? context.attempt : 1 });
        if (failure) return { accepted, failure };
      }
    }
    return { accepted: batch.length };
  }

  async #handle(
    handler: FoundHandler,
    message: OutboxMessage,
    { signal: laneSignal, attempt, route, logger }: DeliveryContext,
  ): Promise<Delivery['failure']> {
    const signal = handler.timeoutMs === undefined ? laneSignal : AbortSignal.any([laneSignal, AbortSignal.timeout(handler.timeoutMs)]);
    const call: CallContext = { handler: handler.name, attempt, signal, logger };
    try {
      const commit = handler.twoStep
        ? await this.#call(handler, message, call)
        : (context: HandlerContext<Tx>) => invoke(handler, message, context) as Promise<void>;
      if (commit)
        await this.#inbox.once(message, { handler: handler.name, source: route, signal }, (scope) => commit({ ...scope, ...call }));
      return undefined;
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      if (laneSignal.aborted || DATABASE_TROUBLE.some((code) => isWaybillError(cause, code)))
        return new SinkUnavailableError(`handler "${handler.name}": ${detail}`, { cause });
      return new MessageRejectedError(message.id, message.stream, message.revision, `handler "${handler.name}" failed: ${detail}`, {
        cause,
      });
    }
  }

  /** The call of a two-step handler, and what to commit after it; `undefined` when a commit has it on record already. */
  async #call(handler: FoundHandler, message: Message, context: CallContext): Promise<Commit<Tx> | undefined> {
    if (await this.#inbox.handled(handler.name, message.id)) return undefined;
    const commit = (await invoke(handler, message, context)) as Commit<Tx>;
    await this.#reached?.('called');
    if (typeof commit !== 'function')
      throw new InvalidOptionsError(
        `Handler "${handler.name}" says twoStep: true, but its first step did not return the function that commits.`,
      );
    return commit;
  }
}

// Not the message's fault, and safe to repeat: a claim that was committed after all is found by the next try.
const DATABASE_TROUBLE = ['DATABASE_UNAVAILABLE', 'TRANSACTION_CONFLICT', 'COMMIT_OUTCOME_UNKNOWN'] as const;

// During a rolling deployment: a handler must not see a payload in a shape that it was not written for, and its lane must not halt.
function newerThanThisProcess({ name }: FoundHandler, { id, type, schemaVersion, codec }: OutboxMessage): SinkUnavailableError {
  return new SinkUnavailableError(
    `message ${id} for handler "${name}" is ${type}, schema version ${schemaVersion}, codec ${codec}, which this process does not know; deploy the definition that wrote it`,
  );
}

const invoke = ({ method, target }: FoundHandler, message: Message, context: CallContext): Promise<unknown> =>
  method.call(target, message as never, context as never);

const whereIs = ({ target, property }: FoundHandler): string => `${target.constructor.name}.${String(property)}()`;
