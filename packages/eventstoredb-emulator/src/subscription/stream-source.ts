import type { LogRecord } from '../log/record.js';
import { readableRange } from '../read/retention.js';
import type { Committed, EventStore } from '../store/event-store.js';
import type { Delivery, SubscriptionSource } from './subscription-source.js';

/** One stream's readable events; its tombstone last. Waits for a stream that does not exist, and goes on over a soft delete. */
export class StreamSource implements SubscriptionSource {
  #tombstoneSent = false;

  /** @param next - the first revision to deliver */
  constructor(
    private readonly store: EventStore,
    private readonly stream: string,
    private nextRevision: number,
  ) {}

  next(): Delivery | undefined {
    const stream = this.store.stream(this.stream);
    if (!stream) return undefined;
    const { first, last, oldest } = readableRange(this.store, stream);
    for (let revision = Math.max(this.nextRevision, first); revision <= last; revision += 1) {
      this.nextRevision = revision + 1;
      const record = this.store.log.at(stream.positions[revision]!);
      if (record.createdAt >= oldest) return { kind: 'event', record };
    }
    if (stream.tombstone === undefined || this.#tombstoneSent) return undefined;
    this.#tombstoneSent = true;
    return { kind: 'event', record: this.store.log.at(stream.tombstone) };
  }

  atEnd(): undefined {
    return undefined;
  }

  take({ stream, positions }: Committed): readonly Delivery[] {
    if (stream !== this.stream) return [];
    const deliveries: Delivery[] = [];
    for (const position of positions) {
      const record = this.store.log.at(position);
      if (record.revision < this.nextRevision) continue;
      this.nextRevision = record.revision + 1;
      this.#tombstoneSent ||= record.kind === 'tombstone';
      deliveries.push({ kind: 'event', record });
    }
    return deliveries;
  }

  rewind(record: LogRecord): void {
    this.nextRevision = record.revision;
    this.#tombstoneSent = false;
  }
}
