import { systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import { claimOfArrival } from '../inbox/claim-of-arrival.js';
import { Inbox } from '../inbox/inbox.js';
import type { OnceOptions } from '../inbox/inbox.js';
import type { InboxClaim, InboxStore } from '../inbox/inbox-store.js';
import type { MessageDefinition } from '../message/definition.js';
import type { Message } from '../message/message.js';
import type { Reached } from '../moment.js';
import { afterConflicts } from '../unit-of-work/after-conflicts.js';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.js';
import { InvalidOptionsError } from '../errors.js';
import type { ReceiptMessage } from '../unit-of-work/receipt.js';
import type { HandledOptions } from './handled.js';
import { whenClaimed } from './when-claimed.js';
import { caseOf } from './case-of-handler.js';
import { refuseWrongHandlers } from './checked-handlers.js';
import type { CallContext } from './handler-context.js';
import { handlersOf } from './handler-declaration.js';
import type { FoundHandler, HandlerKind } from './handler-declaration.js';
import type { HandlerMiddleware } from './handler-middleware.js';
import { throughMiddleware } from './handler-middleware.js';
import { triedInPlace, waitInPlace } from './handler-retry.js';
import { isFinal, isHandlersOwn, rejectedBy } from './handlers-own.js';
import { invoke, timed } from './invoke.js';
import type { HandlingMeans } from './invoke.js';
import { handleInTwoSteps } from './two-step.js';

export interface MessageHandlersOptions<Tx> {
  readonly kind: HandlerKind;
  readonly database: Pick<Database<Tx>, 'inbox' | 'cases'>;
  readonly unitOfWork: UnitOfWork<Tx>;
  /** Instances with decorated methods, which run in this order. */
  readonly handlers: readonly object[];
  readonly middleware?: readonly HandlerMiddleware[] | undefined;
  readonly clock?: Clock | undefined;
  /** 0 (inclusive) to 1 (exclusive), for jitter. */
  readonly random?: (() => number) | undefined;
  readonly reached?: Reached | undefined;
}

/** What a handler is told of one delivery of a message, and what it tells of it. */
export interface HandlingContext extends Omit<CallContext, 'handler'> {
  /**
   * Told when the first step of a two-step handler is over, or was cut short by its signal: what fails from then on may have failed after the
   * call.
   */
  readonly called?: () => void;
  /** See {@link InboxClaim.lane}. */
  readonly lane?: InboxClaim['lane'];
}

/** The decorated handlers of some objects, each behind the inbox, whatever their messages come by. */
export class MessageHandlers<Tx> {
  readonly #means: HandlingMeans<Tx>;
  readonly #handlers: readonly FoundHandler[];
  readonly #claimIdOf: (message: Message) => string;
  readonly #claims: InboxStore<Tx>;
  readonly #kind: HandlerKind;

  /**
   * @throws {@link InvalidOptionsError} two handlers of one name, two of one command, an object without a handler, or an override that lost its
   * decorator
   */
  constructor(options: MessageHandlersOptions<Tx>) {
    const { kind, database, unitOfWork, handlers, middleware = [], clock = systemClock, random = Math.random, reached } = options;
    const inbox = new Inbox<Tx>({ database, unitOfWork, clock, ...(reached && { reached }) });
    this.#kind = kind;
    this.#claims = database.inbox;
    this.#means = { inbox, cases: database.cases, unitOfWork, middleware, clock, random, reached };
    this.#handlers = handlers.flatMap((target) => handlersOf(target, kind));
    this.#claimIdOf = kind === 'inbox' ? claimOfArrival : ({ id }) => id;
    refuseWrongHandlers(this.#handlers);
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

  /** See {@link HandlesMessages.whenHandled}: by the claims. */
  async whenHandled(messages: readonly ReceiptMessage[], { source, ...options }: HandledOptions): Promise<'handled' | 'not-selected'> {
    if (this.#kind === 'inbox' && source === undefined)
      throw new InvalidOptionsError(
        'What arrives is remembered by id and sender: pass { source }, as the sender names itself in its messages.',
      );
    const wanted = messages.flatMap(({ id, type }) => {
      if (type === undefined)
        throw new InvalidOptionsError(
          'The receipt does not tell the types of its messages: it was made by an older version. Wait by a new one.',
        );
      const claimId = this.#kind === 'inbox' ? claimOfArrival({ id, metadata: { correlationId: id, source } }) : id;
      return this.wanting(type).map(({ name }) => ({ handler: name, claimId }));
    });
    if (wanted.length === 0) return 'not-selected';
    await whenClaimed(wanted, { ...options, inbox: this.#claims, clock: this.#means.clock });
    return 'handled';
  }

  /**
   * Runs one handler unless it has handled the message, with its tries in place. What it throws leaves the claim free.
   *
   * @param source - route or sender that the message came by
   * @returns `handled` also where the handler's policy has discarded the message, or its call was compensated
   * @throws {@link MessageRejectedError} the handler failed; its error is the cause
   * @throws {@link DatabaseUnavailableError}, {@link TransactionConflictError}, {@link CommitOutcomeUnknownError}, {@link TargetUnavailableError}, {@link OutcomeUnknownError}, {@link LeaseLostError} as they are, like all that is thrown when the signal has aborted
   */
  async handle(
    handler: FoundHandler,
    message: Message,
    source: string,
    { called, lane, ...context }: HandlingContext,
  ): Promise<'handled' | 'duplicate'> {
    const { name } = handler;
    const call: CallContext = { ...context, handler: name };
    const once = { handler: name, source, claimId: this.#claimIdOf(message), signal: context.signal, ...(lane && { lane }) };
    let isCalled = false;
    const tell = (): void => {
      isCalled = true;
      called?.();
    };
    try {
      if (handler.twoStep) return await handleInTwoSteps({ handler, message, once, context: call, called: tell, means: this.#means });
      return await this.#inOneStep(handler, message, once, call);
    } catch (cause) {
      if (!isHandlersOwn(cause, context.signal)) throw cause;
      if (handler.onFailure === 'discard') return await this.#discarded(handler, message, once, call, cause);
      throw rejectedBy(name, message, cause, isCalled);
    }
  }

  /**
   * Runs all one-step handlers that want the messages in one transaction, without claims: for whoever remembers in that transaction how far it is.
   * With their tries and failure policies, and after conflicts, the transaction may be begun several times. Of several messages each is tried
   * once: after a failure, which names the message, come with one after the other.
   *
   * @param transact - opens a transaction, runs `work` in it, writes down that the messages are handled, and commits
   * @throws {@link MessageRejectedError} a handler failed, and the transaction was rolled back; its error is the cause
   * @throws what `transact` throws of itself, and the same as {@link MessageHandlers.handle} as it is
   */
  async handleTogether(
    messages: readonly Message[],
    context: Omit<CallContext, 'handler'>,
    transact: (work: (tx: Tx) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const { signal } = context;
    const failures = new Map<FoundHandler, number>();
    const givenUp = new Map<FoundHandler, unknown>();
    for (;;) {
      const failure = await this.#together(messages, context, { failures, givenUp }, transact);
      if (!failure) break;
      const { handler, message, cause } = failure;
      if (!isHandlersOwn(cause, signal)) throw cause;
      if (messages.length > 1) throw rejectedBy(handler.name, message, cause);
      const failed = (failures.get(handler) ?? 0) + 1;
      failures.set(handler, failed);
      if (failed < (handler.retry?.attempts ?? 1) && !isFinal(cause))
        await waitInPlace(failed, { ...handler.retry }, { ...this.#means, signal });
      else if (handler.onFailure === 'discard') givenUp.set(handler, cause);
      else throw rejectedBy(handler.name, message, cause);
      if (signal.aborted) throw rejectedBy(handler.name, message, cause);
    }
    for (const [handler, cause] of givenUp) tellDiscarded(handler, messages[0]!, { ...context, handler: handler.name }, cause);
  }

  /** One transaction of all of them. @returns the handler that failed in it, and at which message */
  async #together(
    messages: readonly Message[],
    context: Omit<CallContext, 'handler'>,
    before: { readonly failures: ReadonlyMap<FoundHandler, number>; readonly givenUp: ReadonlyMap<FoundHandler, unknown> },
    transact: (work: (tx: Tx) => Promise<void>) => Promise<void>,
  ): Promise<{ readonly handler: FoundHandler; readonly message: Message; readonly cause: unknown } | undefined> {
    const { clock, random, inbox } = this.#means;
    let running: { readonly handler: FoundHandler; readonly message: Message } | undefined;
    let committed: (() => void)[] = [];
    const work = async (tx: Tx): Promise<void> => {
      committed = []; // the transaction may run more than once
      for (const { handler, message } of messages.flatMap((each) =>
        this.wanting(each.type).map((handler) => ({ handler, message: each })),
      )) {
        running = { handler, message };
        if (before.givenUp.has(handler)) await this.#openDiscarded(handler, message, before.givenUp.get(handler), tx);
        else {
          const attempt = context.attempt + (before.failures.get(handler) ?? 0);
          const call = timed(handler, { ...context, attempt, handler: handler.name });
          const joined = await inbox.within(tx, message, call.signal, (scope) => this.#step(handler, message, { ...scope, ...call }));
          committed.push(joined.committed);
        }
      }
      running = undefined;
    };
    try {
      const once = (): Promise<void> => {
        running = undefined;
        return transact(work);
      };
      await afterConflicts(3, once, { clock, random, signal: context.signal });
    } catch (cause) {
      if (!running) throw cause;
      return { ...running, cause };
    }
    for (const tell of committed) tell();
    return undefined;
  }

  #inOneStep(handler: FoundHandler, message: Message, once: OnceOptions, context: CallContext): Promise<'handled' | 'duplicate'> {
    return triedInPlace(
      (failed) => {
        const now = timed(handler, { ...context, attempt: context.attempt + failed });
        return this.#means.inbox.once(message, { ...once, signal: now.signal }, (scope) =>
          this.#step(handler, message, { ...scope, ...now }),
        );
      },
      { ...handler.retry },
      { ...this.#means, signal: context.signal },
    );
  }

  async #step(handler: FoundHandler, message: Message, context: CallContext): Promise<void> {
    const call = { handler: handler.name, step: 'handle', message, context } as const;
    await throughMiddleware(this.#means.middleware, call, () => invoke(handler, message, context));
  }

  async #discarded(
    handler: FoundHandler,
    message: Message,
    once: OnceOptions,
    context: CallContext,
    cause: unknown,
  ): Promise<'handled' | 'duplicate'> {
    const discarded = await this.#means.inbox.once(message, once, ({ tx }) => this.#openDiscarded(handler, message, cause, tx));
    tellDiscarded(handler, message, context, cause);
    return discarded;
  }

  async #openDiscarded({ name }: FoundHandler, message: Message, cause: unknown, tx: Tx): Promise<void> {
    const advice = 'The handler has given the message up, as its policy says. What it should have done is left to you.';
    await this.#means.cases.open(caseOf('message-discarded', name, message, { claimId: this.#claimIdOf(message), cause, advice }), tx);
  }
}

function tellDiscarded({ name }: FoundHandler, { id }: Message, { logger }: CallContext, error: unknown): void {
  logger.warn({ handler: name, messageId: id, error }, 'A handler has given a message up; a case was opened');
}
