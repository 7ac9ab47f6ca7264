import type { CompetingMessage } from './competing-message.js';
import type { Consumer } from './consumer.js';
import type { StrategyName } from './group-definition.js';
import { PinnedStrategy } from './pinned-strategy.js';

/** Chooses who gets the next message. Knows the group's consumers, in the order in which they came. */
export interface ConsumerStrategy {
  readonly consumers: readonly Consumer[];
  add(consumer: Consumer): void;
  remove(consumer: Consumer): void;
  /** @returns a consumer with a free slot; `skip` when only this message must wait, `full` when all must */
  choose(message: CompetingMessage): Consumer | 'skip' | 'full';
}

/** @returns `undefined` for a name that is none of the real server's */
export function consumerStrategy(name: StrategyName): ConsumerStrategy | undefined {
  switch (name) {
    case 'RoundRobin':
      return new QueueStrategy({ rotatesAfterEach: true });
    case 'DispatchToSingle':
      return new QueueStrategy({ rotatesAfterEach: false });
    case 'Pinned':
      return new PinnedStrategy(sourceStreamOf);
    case 'PinnedByCorrelation':
      return new PinnedStrategy((message) => correlationOf(message) ?? sourceStreamOf(message));
    default:
      return undefined;
  }
}

/** Consumers in a queue: the first with a free slot gets the message, and goes to the back after each or only when it is full. */
class QueueStrategy implements ConsumerStrategy {
  readonly consumers: Consumer[] = [];

  constructor(private readonly options: { readonly rotatesAfterEach: boolean }) {}

  add(consumer: Consumer): void {
    this.consumers.push(consumer);
  }

  remove(consumer: Consumer): void {
    const index = this.consumers.indexOf(consumer);
    if (index >= 0) this.consumers.splice(index, 1);
  }

  choose(): Consumer | 'full' {
    for (let tried = 0; tried < this.consumers.length; tried += 1) {
      const first = this.consumers[0]!;
      const isFree = first.freeSlots > 0;
      if (!isFree || this.options.rotatesAfterEach) this.consumers.push(this.consumers.shift()!);
      if (isFree) return first;
    }
    return 'full';
  }
}

function sourceStreamOf({ resolved: { event, link } }: CompetingMessage): string {
  return event?.stream ?? link!.data.toString().replace(/^\d+@/, '');
}

function correlationOf({ resolved: { event } }: CompetingMessage): string | undefined {
  try {
    const metadata: unknown = event && JSON.parse(event.metadata.toString());
    const id = (metadata as Record<string, unknown> | undefined)?.['$correlationId'];
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}
