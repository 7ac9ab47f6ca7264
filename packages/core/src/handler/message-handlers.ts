import { systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import { InvalidOptionsError, isWaybillError, MessageRejectedError } from '../errors.js';
import { claimOfArrival } from '../inbox/claim-of-arrival.js';
import { Inbox } from '../inbox/inbox.js';
import type { MessageDefinition } from '../message/definition.js';
import type { Message } from '../message/message.js';
import type { Reached } from '../moment.js';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.js';
import type { CallContext, Commit, HandlerContext } from './handler-context.js';
import { handlersOf } from './handler-declaration.js';
import type { FoundHandler, HandlerKind } from './handler-declaration.js';

export interface MessageHandlersOptions<Tx> {
  readonly kind: HandlerKind;
  readonly database: Pick<Database<Tx>, 'inbox'>;
  readonly unitOfWork: UnitOfWork<Tx>;
  /** Instances with decorated methods, which run in this order. */
  readonly handlers: readonly object[];
  readonly clock?: Clock | undefined;
  readonly reached?: Reached | undefined;
}

/** The decorated handlers of some objects, each behind the inbox, whatever their messages come by. */
export class MessageHandlers<Tx> {
  readonly #inbox: Inbox<Tx>;
  readonly #handlers: readonly FoundHandler[];
  readonly #claimIdOf: (message: Message) => string;
  readonly #reached: Reached | undefined;

  /** @throws {@link InvalidOptionsError} two handlers of one name, an object without a handler, or an override that lost its decorator */
  constructor({ kind, database, unitOfWork, handlers, clock = systemClock, reached }: MessageHandlersOptions<Tx>) {
    this.#inbox = new Inbox<Tx>({ database, unitOfWork, clock, ...(reached && { reached }) });
    this.#handlers = handlers.flatMap((target) => handlersOf(target, kind));
    this.#claimIdOf = kind === 'inbox' ? claimOfArrival : ({ id }) => id;
    this.#reached = reached;
    refuseSameNames(this.#handlers);
  }

  /** Every definition that a handler names, each once. */
  get definitions(): readonly MessageDefinition[] {
    return [...new Set(this.#handlers.flatMap(({ events }) => events))];
  }

  /** Whether one of them works in two steps. */
  get callOutside(): boolean {
    return this.#handlers.some(({ twoStep }) => twoStep);
  }

  /** Whether one of those that want messages of this type works in two steps. */
  callsOutsideFor(type: string): boolean {
    return this.wanting(type).some(({ twoStep }) => twoStep);
  }

  /** Who wants messages of this type, in the order in which they run. */
  wanting(type: string): readonly FoundHandler[] {
    return this.#handlers.filter(({ events }) => events.some((definition) => definition.type === type));
  }

  /**
   * Runs one handler unless it has handled the message. What it throws leaves the claim free.
   *
   * @param source - route or sender that the message came by
   * @param context - `called` is told when the first step of a two-step handler is over, or was cut short by its signal: what fails from then
   * on may have failed after the call
   * @throws {@link MessageRejectedError} the handler failed; its error is the cause
   * @throws {@link DatabaseUnavailableError}, {@link TransactionConflictError}, {@link CommitOutcomeUnknownError}, {@link TargetUnavailableError}, {@link OutcomeUnknownError} as they are, like all that is thrown when the signal has aborted
   */
  async handle(
    handler: FoundHandler,
    message: Message,
    source: string,
    { called, ...context }: Omit<CallContext, 'handler'> & { readonly called?: () => void },
  ): Promise<'handled' | 'duplicate'> {
    const { name, timeoutMs } = handler;
    const signal = timeoutMs === undefined ? context.signal : AbortSignal.any([context.signal, AbortSignal.timeout(timeoutMs)]);
    const call: CallContext = { ...context, handler: name, signal };
    let isCalled = false;
    const tell = (): void => {
      isCalled = true;
      called?.();
    };
    try {
      const commit = handler.twoStep
        ? await this.#call(handler, message, call, tell)
        : (open: HandlerContext<Tx>) => invoke(handler, message, open) as Promise<void>;
      if (!commit) return 'duplicate';
      const once = { handler: name, source, claimId: this.#claimIdOf(message), signal };
      return await this.#inbox.once(message, once, (scope) => commit({ ...scope, ...call }));
    } catch (cause) {
      if (context.signal.aborted || NOT_THE_HANDLERS.some((code) => isWaybillError(cause, code))) throw cause;
      const detail = `handler "${name}" failed${isCalled ? ' after its call' : ''}: ${cause instanceof Error ? cause.message : String(cause)}`;
      throw new MessageRejectedError(message.id, message.stream, message.revision, detail, { cause });
    }
  }

  /**
   * Runs all one-step handlers that want the message in one transaction, without claims: for whoever remembers in that transaction how far it is.
   * With their retries and failure policies the transaction may be begun several times.
   *
   * @param transact - opens a transaction, runs `work` in it, writes down that the message is handled, and commits
   * @throws {@link MessageRejectedError} a handler failed, and the transaction was rolled back; its error is the cause
   * @throws what `transact` throws of itself, and the same as {@link MessageHandlers.handle} as it is
   */
  async handleTogether(
    message: Message,
    context: Omit<CallContext, 'handler'>,
    transact: (work: (tx: Tx) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    let failing: FoundHandler | undefined;
    let committed = (): void => {};
    try {
      await transact(async (tx) => {
        const joined = await this.#inbox.within(tx, message, context.signal, async (scope) => {
          for (const handler of this.wanting(message.type)) {
            failing = handler;
            await invoke(handler, message, { ...scope, ...context, handler: handler.name });
          }
          failing = undefined;
        });
        committed = joined.committed;
      });
    } catch (cause) {
      if (!failing || context.signal.aborted || NOT_THE_HANDLERS.some((code) => isWaybillError(cause, code))) throw cause;
      const detail = `handler "${failing.name}" failed: ${cause instanceof Error ? cause.message : String(cause)}`;
      throw new MessageRejectedError(message.id, message.stream, message.revision, detail, { cause });
    }
    committed();
  }

  async #outside(handler: FoundHandler, message: Message, context: CallContext, called: () => void): Promise<unknown> {
    try {
      return await invoke(handler, message, context);
    } catch (error) {
      // Cut short: nobody knows how far it came, unless it does itself.
      if (context.signal.aborted && !isWaybillError(error, 'TARGET_UNAVAILABLE')) called();
      throw error;
    }
  }

  /** The call of a two-step handler, and what to commit after it; `undefined` when a commit has it on record already. */
  async #call(handler: FoundHandler, message: Message, context: CallContext, called: () => void): Promise<Commit<Tx> | undefined> {
    if (await this.#inbox.handled(handler.name, this.#claimIdOf(message))) return undefined;
    const commit = (await this.#outside(handler, message, context, called)) as Commit<Tx>;
    called();
    await this.#reached?.('called');
    if (typeof commit !== 'function')
      throw new InvalidOptionsError(
        `Handler "${handler.name}" says twoStep: true, but its first step did not return the function that commits.`,
      );
    return commit;
  }
}

/** The database's trouble, which is safe to repeat (a claim that was committed after all is found by the next try). */
const DATABASE_TROUBLE = ['DATABASE_UNAVAILABLE', 'TRANSACTION_CONFLICT', 'COMMIT_OUTCOME_UNKNOWN'] as const;
const NOT_THE_HANDLERS = [...DATABASE_TROUBLE, 'TARGET_UNAVAILABLE', 'OUTCOME_UNKNOWN'] as const;

const invoke = ({ method, target }: FoundHandler, message: Message, context: CallContext): Promise<unknown> =>
  method.call(target, message as never, context as never);

function refuseSameNames(handlers: readonly FoundHandler[]): void {
  const names = new Map<string, FoundHandler>();
  for (const handler of handlers) {
    const other = names.get(handler.name);
    if (other)
      throw new InvalidOptionsError(
        `Two handlers are named "${handler.name}": ${whereIs(other)} and ${whereIs(handler)}. The inbox remembers by name, so one would hide the other.`,
      );
    names.set(handler.name, handler);
  }
}

const whereIs = ({ target, property }: FoundHandler): string => `${target.constructor.name}.${String(property)}()`;
