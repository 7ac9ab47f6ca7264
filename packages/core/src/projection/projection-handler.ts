import { InvalidOptionsError } from '../errors.js';
import { DecoratedMethods } from '../handler/decorated-methods.js';
import type { Refused } from '../handler/handler-decorator.js';
import type { MessageDefinition } from '../message/definition.js';
import type { ProjectionContext } from '../unit-of-work/projector.js';

/** What `@ProjectionHandler` said about one method. */
interface ProjectionHandlerDeclaration {
  readonly events: readonly MessageDefinition[];
  readonly property: string | symbol;
}

export const projectionHandlers = new DecoratedMethods<ProjectionHandlerDeclaration>(
  ({ events }) => `the handler of ${events.map(({ type }) => type).join(', ')} without @ProjectionHandler`,
);

/**
 * Writes what an event changes in the read model: `@ProjectionHandler(OrderPlaced)` on a method `(message, { tx, generation })` of a
 * {@link Projection} class. Standard and legacy decorators alike. Above any other decorator of the method, for it remembers the method
 * that it sees.
 *
 * @throws {@link InvalidOptionsError} no event
 */
export function ProjectionHandler<const Defined extends MessageDefinition>(
  events: Defined | readonly Defined[],
): ProjectionDecorator<Defined> {
  const definitions = [events].flat() as readonly MessageDefinition[];
  if (definitions.length === 0 || definitions.some((definition) => typeof definition?.type !== 'string'))
    throw new InvalidOptionsError('@ProjectionHandler names no event. Pass what defineEvent returned, or several of them.');
  return projectionHandlers.decorator((property) => ({ events: definitions, property })) as unknown as ProjectionDecorator<Defined>;
}

// One signature serves both decorator modes; a wrong method becomes a parameter type that is a sentence.
export type ProjectionDecorator<Defined extends MessageDefinition> = <Target, Descriptor>(
  target: CheckMethod<Target, Target, Defined>,
  where: string | symbol | ClassMethodDecoratorContext,
  descriptor?: CheckDescriptor<Descriptor, Defined>,
) => void;
type CheckDescriptor<Descriptor, Defined extends MessageDefinition> =
  Descriptor extends TypedPropertyDescriptor<infer Method> ? CheckMethod<Method, Descriptor, Defined> : Descriptor;
type CheckMethod<Method, Pass, Defined extends MessageDefinition> = Method extends (...args: never[]) => infer Returned
  ? [Refused<Method, Defined>] extends [never]
    ? Returned extends Promise<void>
      ? Method extends (message: never, context: ProjectionContext<never>) => unknown
        ? Pass
        : 'A projection gets no more than a ProjectionContext: tx, generation and rebuilding'
      : 'A projection handler returns Promise<void>: make the method async'
    : `The message parameter of this method does not accept ${Refused<Method, Defined>}`
  : Pass;
