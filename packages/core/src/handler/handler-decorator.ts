import { InvalidOptionsError } from '../errors.js';
import type { EventOf, MessageDefinition } from '../message/definition.js';
import type { Message } from '../message/message.js';
import { isPlainText } from '../plain-text.js';
import type { CallContext, SecondStep } from './handler-context.js';
import { DECORATORS, decoratedHandlers } from './handler-declaration.js';
import type { HandlerKind } from './handler-declaration.js';
import { checkRetry } from './handler-retry.js';
import type { HandlerFailurePolicy, HandlerRetry } from './handler-retry.js';

export interface HandlerOptions {
  /** The durable key of the inbox, 1 to 200 bytes: never derived, never changed. Renaming class or method is free. */
  readonly name: string;
  /** Call first, outside any transaction; commit what the method returns, with the claim. */
  readonly twoStep?: boolean;
  /** The handler's signal aborts so many milliseconds after the beginning of a try. Default: only when the lane stops, or nobody waits for the answer. */
  readonly timeoutMs?: number;
  /** Tries in place. Default: one, and after the call of a two-step handler three of its commit. */
  readonly retry?: HandlerRetry;
  /**
   * What becomes of a message that this handler fails at for good, by its own fault. Default `stop`: what carries the messages decides, e.g. the
   * route's policy. With `discard` the handler is best effort: an open case `message-discarded` is recorded with its claim, and the message goes
   * on, as do those behind it. This handler then lacks a message in the middle of a stream.
   */
  readonly onFailure?: HandlerFailurePolicy;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;
const MOST_NAME_BYTES = 200;

/** Remembers what is said about a method, in both decorator modes. */
export function handlerDecorator<const Defined extends MessageDefinition, const Options extends HandlerOptions>(
  kind: HandlerKind,
  events: Defined | readonly Defined[],
  options: Options,
): HandlerDecorator<Defined, Options> {
  const definitions = [events].flat() as readonly MessageDefinition[];
  if (typeof options?.name !== 'string' || options.name === '')
    throw new InvalidOptionsError(
      `A handler needs a name: it is the key under which its inbox remembers. Pass ${DECORATORS[kind]}(event, { name }).`,
    );
  if (!isPlainText(options.name) || Buffer.byteLength(options.name) > MOST_NAME_BYTES)
    throw new InvalidOptionsError(
      `The handler's name ${JSON.stringify(options.name.slice(0, 80))} is more than ${MOST_NAME_BYTES} bytes, or holds a NUL character or half a surrogate pair; choose another.`,
    );
  checkOptions(options);
  if (definitions.length === 0) throw new InvalidOptionsError(`Handler "${options.name}" names no event.`);
  return decoratedHandlers.decorator((property) => ({ ...options, kind, events: definitions, property })) as unknown as HandlerDecorator<
    Defined,
    Options
  >;
}

function checkOptions({ name, timeoutMs, retry, onFailure = 'stop' }: HandlerOptions): void {
  if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= LONGEST_TIMER_MS))
    throw new InvalidOptionsError(
      `Handler "${name}": timeoutMs must be above 0 and at most ${LONGEST_TIMER_MS}; leave it out for no limit.`,
    );
  if (retry) checkRetry(name, retry);
  if (onFailure !== 'stop' && onFailure !== 'discard')
    throw new InvalidOptionsError(`Handler "${name}": onFailure "${String(onFailure)}" does not exist; choose "stop" or "discard".`);
}

// One signature serves both decorator modes; a wrong method becomes a parameter type that is a sentence.
export type HandlerDecorator<Defined extends MessageDefinition, Options> = <Target, Descriptor>(
  target: CheckMethod<Target, Target, Defined, Options>,
  where: string | symbol | ClassMethodDecoratorContext,
  descriptor?: CheckDescriptor<Descriptor, Defined, Options>,
) => void;
type CheckDescriptor<Descriptor, Defined extends MessageDefinition, Options> =
  Descriptor extends TypedPropertyDescriptor<infer Method> ? CheckMethod<Method, Descriptor, Defined, Options> : Descriptor;
type CheckMethod<Method, Pass, Defined extends MessageDefinition, Options> = Method extends (...args: never[]) => infer Returned
  ? [Refused<Method, Defined>] extends [never]
    ? Options extends { readonly twoStep: true }
      ? Returned extends Promise<SecondStep<never>>
        ? Method extends (message: never, context: CallContext) => unknown
          ? Pass
          : 'The first step of a two-step handler has no transaction: its context is a CallContext'
        : 'A two-step handler returns Promise<Commit<Tx>>, the function that commits the result, or Promise<CommitOrCompensate<Tx>>'
      : Returned extends Promise<void>
        ? Pass
        : 'A handler returns Promise<void>: make the method async (or say twoStep: true)'
    : `The message parameter of this method does not accept ${Refused<Method, Defined>}`
  : Pass;
/** Type names of the events that the method does not accept. */
export type Refused<Method, Defined extends MessageDefinition> = Defined extends MessageDefinition
  ? Method extends (message: Message<EventOf<Defined>>, ...rest: never[]) => unknown
    ? never
    : Defined['type']
  : never;
