import { InvalidOptionsError } from '../errors.js';
import type { MessageDefinition } from '../message/definition.js';
import type { GenerationContext, GenerationHooks, ProjectionContext, Projector } from '../unit-of-work/projector.js';
import { projectionHandlers } from './projection-handler.js';
import { projectionNameOf } from './projection.js';

/**
 * What a unit of work, or {@link Projections}, takes of an instance of a {@link Projection} class. Its decorated methods run in the order in
 * which the class declares them, then those that it inherits; its methods `prepare`, `activate` and `retire` are {@link GenerationHooks}.
 *
 * @throws {@link InvalidOptionsError} a class instead of an instance, no name, no handler, or an override that lost its decorator
 */
export function projectorOf<Target extends object>(target: Target): Projector<ProjectedTx<Target>> {
  refuseClass(target);
  const type = target.constructor.name;
  const name = projectionNameOf(target);
  if (name === undefined)
    throw new InvalidOptionsError(`${type} has no name to store its place under. Put @Projection({ name }) above the class.`);
  const handlers = projectionHandlers.of(target);
  if (handlers.length === 0)
    throw new InvalidOptionsError(
      `${type} has no method with @ProjectionHandler. Does another decorator stand above @ProjectionHandler and replace the method?`,
    );

  const byType = new Map<string, (typeof handlers)[number][]>();
  for (const handler of handlers)
    for (const event of new Set(handler.events)) byType.set(event.type, [...(byType.get(event.type) ?? []), handler]);
  return {
    ...hooksOf(target, type),
    name,
    events: [...new Set<MessageDefinition>(handlers.flatMap(({ events }) => events))],
    async project(message, context) {
      for (const { method } of byType.get(message.type) ?? []) await method.call(target, message as never, context as never);
    },
  };
}

function refuseClass(target: object): void {
  if (typeof target === 'function')
    throw new InvalidOptionsError(`${target.name} is a class, and projections are instances: pass projectorOf(new ${target.name}(...)).`);
}

/** The transaction that the methods of a class want: what stands in their contexts. */
export type ProjectedTx<Target> = {
  [Name in keyof Target]: (tx: WantedTx<Name, Target[Name]>) => void;
}[keyof Target] extends (tx: infer Tx) => void
  ? Tx
  : never;
type WantedTx<Name, Method> = Name extends (typeof HOOKS)[number]
  ? Method extends (context: GenerationContext<infer Tx>) => unknown
    ? Tx
    : unknown
  : Method extends (message: never, context: ProjectionContext<infer Tx>) => unknown
    ? Tx
    : unknown;

const HOOKS = ['prepare', 'activate', 'retire'] as const;

function hooksOf<Tx>(target: object, type: string): GenerationHooks<Tx> {
  const hooks: { -readonly [Name in keyof GenerationHooks<Tx>]: GenerationHooks<Tx>[Name] } = {};
  for (const name of HOOKS) {
    const hook = (target as GenerationHooks<Tx>)[name];
    if (hook === undefined) continue;
    if (typeof hook !== 'function')
      throw new InvalidOptionsError(`${type}.${name} is no method; the name is kept for what a projection does about its tables.`);
    hooks[name] = (context) => hook.call(target, context);
  }
  return hooks;
}
