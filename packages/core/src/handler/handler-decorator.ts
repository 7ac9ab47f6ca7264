import { InvalidOptionsError } from '../errors.js';
import type { EventOf, MessageDefinition } from '../message/definition.js';
import type { Message } from '../message/message.js';
import type { CallContext, Commit } from './handler-context.js';
import { DECORATORS, decoratedHandlers } from './handler-declaration.js';
import type { HandlerKind } from './handler-declaration.js';

export interface HandlerOptions {
  /** The durable key of the inbox: never derived, never changed. Renaming class or method is free. */
  readonly name: string;
  /** Call first, outside any transaction; commit what the method returns, with the claim. */
  readonly twoStep?: boolean;
  /** The handler's signal aborts after so many milliseconds. Default: only when the lane stops, or nobody waits for the answer. */
  readonly timeoutMs?: number;
}

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
  if (definitions.length === 0) throw new InvalidOptionsError(`Handler "${options.name}" names no event.`);
  return decoratedHandlers.decorator((property) => ({ ...options, kind, events: definitions, property })) as unknown as HandlerDecorator<
    Defined,
    Options
  >;
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
/** Type names of the events that the method does not accept. */
export type Refused<Method, Defined extends MessageDefinition> = Defined extends MessageDefinition
  ? Method extends (message: Message<EventOf<Defined>>, ...rest: never[]) => unknown
    ? never
    : Defined['type']
  : never;
