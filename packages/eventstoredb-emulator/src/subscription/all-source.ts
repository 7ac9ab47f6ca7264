import type { LogRecord } from '../log/record.js';
import type { EventFilter } from '../read/event-filter.js';
import type { Committed, EventStore } from '../store/event-store.js';
import type { Delivery, SubscriptionSource } from './subscription-source.js';

export interface AllSourceOptions {
  readonly store: EventStore;
  /** The first position to look at. */
  readonly from: number;
  readonly filter: EventFilter | undefined;
  /** Events to look at between two checkpoints; without a filter there are none. */
  readonly checkpointEvery: number;
}

/** Everything readable, in the order of the log. With a filter it also tells, now and then, how far it has looked. */
export class AllSource implements SubscriptionSource {
  #at: number;
  #sinceCheckpoint = 0;
  #lastLookedAt = 0;
  #checkpointDue = false;

  constructor(private readonly options: AllSourceOptions) {
    this.#at = options.from;
  }

  next(): Delivery | undefined {
    const { store } = this.options;
    while (this.#at < store.committedEnd) {
      // A checkpoint read from the log carries no prepare position, as on the real server.
      if (this.#checkpointDue) return this.#checkpoint(0);
      const record = store.log.at(this.#at);
      this.#at += record.size;
      if (record.kind !== 'filler' && this.#looksAt(record)) return { kind: 'event', record };
    }
    return this.#checkpointDue ? this.#checkpoint(0) : undefined;
  }

  atEnd(): Delivery | undefined {
    return this.options.filter && this.#sinceCheckpoint > 0 ? this.#checkpoint(0) : undefined;
  }

  take({ positions }: Committed): readonly Delivery[] {
    const deliveries: Delivery[] = [];
    for (const position of positions) {
      if (position < this.#at) continue;
      const record = this.options.store.log.at(position);
      this.#at = position + record.size;
      if (this.#looksAt(record)) deliveries.push({ kind: 'event', record });
      if (this.#checkpointDue) deliveries.push(this.#checkpoint(position));
    }
    return deliveries;
  }

  rewind(record: LogRecord): void {
    this.#at = record.position;
    this.#checkpointDue = false;
  }

  #looksAt(record: LogRecord): boolean {
    const { filter, checkpointEvery } = this.options;
    if (!filter) return true;
    this.#lastLookedAt = record.position;
    this.#sinceCheckpoint += 1;
    this.#checkpointDue = this.#sinceCheckpoint >= checkpointEvery;
    return filter(record);
  }

  #checkpoint(prepare: number): Delivery {
    this.#sinceCheckpoint = 0;
    this.#checkpointDue = false;
    return { kind: 'checkpoint', commit: this.#lastLookedAt, prepare };
  }
}
