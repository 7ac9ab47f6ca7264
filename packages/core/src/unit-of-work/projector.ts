import type { DomainEvent } from '../message/domain-event.js';
import type { EventOf, MessageDefinition } from '../message/definition.js';
import type { Message } from '../message/message.js';

export interface ProjectionContext<out Tx> {
  readonly tx: Tx;
  /** True while a following projection is rebuilt beside the live one. */
  readonly rebuilding: boolean;
}

/**
 * Writes a read model inside the unit of work's transaction: what it throws rolls everything back. Build one with
 * {@link projector}, or implement it.
 */
export interface Projector<in Tx> {
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
}

/**
 * Starts a projector: `projector<PostgresTx>('order-list').on(OrderPlaced, async ({ data }, { tx }) => ...)`.
 *
 * Sees the events of aggregates, in the order they were emitted, with their revisions; messages sent with `append` get their
 * revision only from the outbox and are not projected.
 */
export function projector<Tx>(name: string): ProjectorBuilder<Tx> {
  return build(name, new Map());
}

type Project<Tx> = (message: Message<DomainEvent<string, never>>, context: ProjectionContext<Tx>) => Promise<unknown>;

function build<Tx>(name: string, handlers: ReadonlyMap<MessageDefinition, readonly Project<Tx>[]>): ProjectorBuilder<Tx> {
  const byType = new Map([...handlers].map(([definition, projects]) => [definition.type, projects]));
  return {
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
      return build(name, added);
    },
  };
}
