import type { DomainEvent } from '../message/domain-event.js';
import type { EventOf, MessageDefinition } from '../message/definition.js';
import type { Message } from '../message/message.js';

/** A generation of a projection: one set of its tables, from the first event on. */
export interface GenerationContext<out Tx> {
  readonly tx: Tx;
  /** Which tables are meant: 1, and one more with each rebuild. Inline always 1. */
  readonly generation: number;
}

export interface ProjectionContext<out Tx> extends GenerationContext<Tx> {
  /** True while this generation is built beside the live one, by `Projections.rebuild`. */
  readonly rebuilding: boolean;
}

/**
 * What a projection that follows a log does about its tables; each may be left out. Each runs in a transaction, and may run again: write
 * `create table if not exists`. Inline none of them is called.
 */
export interface GenerationHooks<in Tx> {
  /** Makes the tables of a generation: before its first event, by each process that starts until then, one at a time. */
  prepare?(context: GenerationContext<Tx>): Promise<void>;
  /** In the transaction that makes a rebuilt generation the one that is read: lets a view show its tables, say. */
  activate?(context: GenerationContext<Tx>): Promise<void>;
  /** Drops the tables of a generation that nobody reads any more: a while after the switch, or when it was given up. Also after each start. */
  retire?(context: GenerationContext<Tx>): Promise<void>;
}

/**
 * Writes a read model: inline, inside the unit of work's transaction, where what it throws rolls everything back; or following a log. Build
 * one with {@link projector}, make one of a decorated class with {@link projectorOf}, or implement it.
 */
export interface Projector<in Tx> extends GenerationHooks<Tx> {
  readonly name: string;
  /** The events it wants; others never reach it. */
  readonly events: readonly MessageDefinition[];
  project(message: Message, context: ProjectionContext<Tx>): Promise<void>;
}

export interface ProjectorBuilder<Tx> extends Projector<Tx> {
  /** A projector that also handles these events. */
  on<const Defined extends MessageDefinition>(
    events: Defined | readonly Defined[],
    project: (message: Message<EventOf<Defined>>, context: ProjectionContext<Tx>) => Promise<unknown>,
  ): ProjectorBuilder<Tx>;
  /** A projector that also does this about its tables, where it follows a log. */
  generations(hooks: GenerationHooks<Tx>): ProjectorBuilder<Tx>;
}

/**
 * Starts a projector: `projector<PostgresTx>('order-list').on(OrderPlaced, async ({ data }, { tx }) => ...)`.
 *
 * Inline it sees the events of aggregates, in the order they were emitted, with their revisions; messages sent with `append` get their
 * revision only from the outbox and are not projected. Following a log it sees them as all others, if the log has their streams.
 */
export function projector<Tx>(name: string): ProjectorBuilder<Tx> {
  return build(name, new Map(), {});
}

type Project<Tx> = (message: Message<DomainEvent<string, never>>, context: ProjectionContext<Tx>) => Promise<unknown>;

function build<Tx>(
  name: string,
  handlers: ReadonlyMap<MessageDefinition, readonly Project<Tx>[]>,
  hooks: GenerationHooks<Tx>,
): ProjectorBuilder<Tx> {
  const byType = new Map([...handlers].map(([definition, projects]) => [definition.type, projects]));
  return {
    ...hooks,
    name,
    events: [...handlers.keys()],
    async project(message, context) {
      for (const project of byType.get(message.type) ?? []) await project(message as Message<DomainEvent<string, never>>, context);
    },
    on(events, project) {
      const added = new Map(handlers);
      for (const definition of [events].flat() as readonly MessageDefinition[]) {
        added.set(definition, [...(added.get(definition) ?? []), project as unknown as Project<Tx>]);
      }
      return build(name, added, hooks);
    },
    generations: (added) => build(name, handlers, { ...hooks, ...added }),
  };
}
