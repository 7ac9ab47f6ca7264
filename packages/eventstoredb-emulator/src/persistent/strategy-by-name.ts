import type { CompetingMessage } from './competing-message.js';
import type { ConsumerStrategy } from './consumer-strategy.js';
import type { StrategyName } from './group-definition.js';
import { PinnedStrategy } from './pinned-strategy.js';
import { QueueStrategy } from './queue-strategy.js';

/** @returns `undefined` for a name that is none of the real server's */
export function strategyByName(name: StrategyName): ConsumerStrategy | undefined {
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
