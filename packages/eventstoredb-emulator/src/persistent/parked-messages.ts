import type { LogRecord } from '../log/record.js';
import { readStream } from '../read/read-records.js';
import { readableRange } from '../read/retention.js';
import type { EventStore } from '../store/event-store.js';
import type { CompetingMessage } from './competing-message.js';
import type { ServerWriter } from './server-writer.js';

export interface ParkedMessagesOptions {
  readonly key: string;
  readonly store: EventStore;
  readonly writer: ServerWriter;
}

/** What a group has set aside: a stream of links, each with the reason in its metadata. */
export class ParkedMessages {
  readonly #stream: string;

  constructor(private readonly options: ParkedMessagesOptions) {
    this.#stream = `$persistentsubscription-${options.key}-parked`;
  }

  get count(): number {
    const stream = this.options.store.stream(this.#stream);
    if (!stream) return 0;
    const { first, last } = readableRange(this.options.store, stream);
    return Math.max(last - first + 1, 0);
  }

  park({ resolved: { event, link } }: CompetingMessage, reason: string): void {
    const original = (link ?? event)!;
    this.options.writer.write(this.#stream, {
      type: '$>',
      json: false,
      data: event ? `${event.revision}@${event.stream}` : original.data.toString(),
      metadata: JSON.stringify({ added: new Date().toISOString(), reason, subscriptionEventNumber: original.revision }),
    });
  }

  /**
   * Takes parked messages out again, the oldest first.
   *
   * @param stopAt - the first revision of the parked stream that stays
   */
  take(stopAt = Infinity): LogRecord[] {
    const { store, writer } = this.options;
    const stream = store.stream(this.#stream);
    if (!stream || this.count === 0) return [];
    const links = [...readStream(store, stream, 0, 'forwards')].filter(({ revision }) => revision < stopAt);
    const last = links.at(-1);
    if (last) writer.describe(this.#stream, { $tb: last.revision + 1 });
    return links;
  }

  delete(): void {
    this.options.writer.delete(this.#stream);
  }
}
