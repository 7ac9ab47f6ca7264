import { LOG_START } from '../log/event-log.js';
import type { LogRecord } from '../log/record.js';
import { eventFilterOf } from '../read/event-filter.js';
import type { EventStore } from '../store/event-store.js';
import { AllSource } from '../subscription/all-source.js';
import { StreamSource } from '../subscription/stream-source.js';
import type { SubscriptionSource } from '../subscription/subscription-source.js';
import type { FilterOptions } from '../wire/messages.js';
import { ALL } from './group-definition.js';
import type { GroupDefinition } from './group-definition.js';

/** Events that a group looks at in one go: others want to be served too. */
const MOST_LOOKED_AT = 10_000;

/** Reads a group's source from its checkpoint, or from where it was created to start, on to the end of the log. */
export class GroupReader {
  readonly #source: SubscriptionSource;
  readonly #ofAll: boolean;

  /** @param checkpoint - the place up to which everything is done */
  constructor(definition: GroupDefinition, store: EventStore, checkpoint: number | undefined) {
    this.#ofAll = definition.source === ALL;
    this.#source = this.#ofAll ? allSource(definition, store, checkpoint) : streamSource(definition, store, checkpoint);
  }

  /** @returns the next event; `later` when it has looked at many that are not wanted; `undefined` at the end of the log */
  next(): LogRecord | 'later' | undefined {
    for (let delivery = this.#source.next(); delivery; delivery = this.#source.next()) {
      if (delivery.kind === 'checkpoint') return 'later';
      if (delivery.record.kind === 'event') return delivery.record;
    }
    return undefined;
  }

  /** What a checkpoint says of this event. */
  placeOf(record: LogRecord): number {
    return this.#ofAll ? record.position : record.revision;
  }
}

/** @returns why a group cannot start there, if it cannot */
export function startRefused({ source, startFrom }: GroupDefinition, store: EventStore): string | undefined {
  if (source !== ALL || typeof startFrom !== 'number' || startFrom === 0) return undefined;
  if (startFrom >= store.committedEnd)
    return 'Invalid Start From position: commit position must be less than or equal to the last commit position in the transaction file.';
  return store.recordAt(startFrom) ? undefined : 'Invalid Start From position: no event begins there.';
}

function streamSource({ source, startFrom }: GroupDefinition, store: EventStore, checkpoint: number | undefined): SubscriptionSource {
  if (checkpoint !== undefined) return new StreamSource(store, source, checkpoint + 1);
  const stream = store.stream(source);
  const end = stream ? store.lastCommitted(stream) + 1 : 0;
  return new StreamSource(store, source, startFrom === 'end' ? end : startFrom === 'start' ? 0 : startFrom);
}

function allSource({ startFrom, filter }: GroupDefinition, store: EventStore, checkpoint: number | undefined): SubscriptionSource {
  const start = startFrom === 'end' ? store.committedEnd : startFrom === 'start' ? LOG_START : Math.max(startFrom, LOG_START);
  const from = checkpoint === undefined ? start : checkpoint + (store.recordAt(checkpoint)?.size ?? 0);
  const expression = filter && { regex: filter.regex, prefix: filter.prefix };
  const options: FilterOptions | undefined = filter && { on: filter.on, [filter.on]: expression, max: 0, checkpointIntervalMultiplier: 0 };
  return new AllSource({ store, from, filter: eventFilterOf(options), checkpointEvery: MOST_LOOKED_AT });
}
