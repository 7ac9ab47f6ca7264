import { InvalidOptionsError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { EventOf, MessageDefinition } from '../message/definition.js';
import type { Message } from '../message/message.js';
import type { Scope } from '../unit-of-work/scope.js';
import { declareHandler } from './handler-declaration.js';

/** All there is before a transaction: the first step of a two-step handler. */
export interface CallContext {
  /** The handler's durable name. */
  readonly handler: string;
  /** 1, or more when the message has failed here before. */
  readonly attempt: number;
  /** Aborts when the lane stops, or after the handler's `timeoutMs`. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/** A scope whose writes and outgoing messages commit with the claim; correlation and causation are carried on. */
export interface HandlerContext<out Tx> extends Scope<Tx>, CallContext {}

/** Second step of a two-step handler. */
export type Commit<Tx> = (context: HandlerContext<Tx>) => Promise<void>;

export interface HandlerOptions {
  /** The durable key of the inbox: never derived, never changed. Renaming class or method is free. */
  readonly name: string;
  /** Call first, outside any transaction; commit what the method returns, with the claim. */
  readonly twoStep?: boolean;
  /** The handler's signal aborts after so many milliseconds. Default: only when the lane stops. */
  readonly timeoutMs?: number;
}

/**
 * Handles our own messages after commit, behind the inbox: `@OutboxHandler(OrderPlaced, { name: 'send-receipt' })`. Standard and
 * legacy decorators alike. Above any other decorator of the method, for it remembers the method that it sees.
 */
export function OutboxHandler<const Defined extends MessageDefinition, const Options extends HandlerOptions>(
  events: Defined | readonly Defined[],
  options: Options,
): HandlerDecorator<Defined, Options> {
  const definitions = [events].flat() as readonly MessageDefinition[];
  if (typeof options?.name !== 'string' || options.name === '')
    throw new InvalidOptionsError('A handler needs a name: it is the key under which its inbox remembers.');
  if (definitions.length === 0) throw new InvalidOptionsError(`Handler "${options.name}" names no event.`);
  return ((target: unknown, where: string | symbol | ClassMethodDecoratorContext, descriptor?: PropertyDescriptor) => {
    const method = descriptor ? (descriptor.value as unknown) : target;
    const property = typeof where === 'object' ? where.name : where;
    declareHandler(method as (...args: never[]) => unknown, { ...options, events: definitions, property });
  }) as unknown as HandlerDecorator<Defined, Options>;
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
      ? Returned extends Promise<Commit<never>>
        ? Method extends (message: never, context: CallContext) => unknown
          ? Pass
          : 'The first step of a two-step handler has no transaction: its context is a CallContext'
        : 'A two-step handler returns Promise<Commit<Tx>>: the function that commits the result'
      : Returned extends Promise<void>
        ? Pass
        : 'A handler returns Promise<void>: make the method async (or say twoStep: true)'
    : `The message parameter of this method does not accept ${Refused<Method, Defined>}`
  : Pass;
type Refused<Method, Defined extends MessageDefinition> = Defined extends MessageDefinition
  ? Method extends (message: Message<EventOf<Defined>>, ...rest: never[]) => unknown
    ? never
    : Defined['type']
  : never;

// Decorators leave no type behind, but parameters do: a handler that wants another database's `tx` becomes a sentence.
export type HandlersFor<Tx, Handlers extends readonly object[]> = {
  readonly [Index in keyof Handlers]: [Foreign<Tx, Handlers[Index]>] extends [never]
    ? Handlers[Index]
    : `${Foreign<Tx, Handlers[Index]>}() wants the transaction of another database`;
};
type Foreign<Tx, Handler> = { [Name in keyof Handler & string]: Tx extends WantedTx<Handler[Name]> ? never : Name }[keyof Handler & string];
type WantedTx<Method> = Method extends (message: never, context: CallContext) => Promise<Commit<infer Tx>>
  ? Tx
  : Method extends (message: never, context: HandlerContext<infer Tx>) => unknown
    ? Tx
    : unknown;
