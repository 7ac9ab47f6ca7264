import type { Delivery, DeliveryContext, OutboxMessage, Sink } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import type { LoggedDelivery } from './acceptance-log.js';

/** Keeps whole streams in memory, and remembers who brought what in which order, as the acceptance log does. */
export class RecordingSink implements Sink {
  readonly needsWholeStreams = true;
  readonly deliveries: LoggedDelivery[] = [];
  readonly #sink = new InMemorySink({ needsWholeStreams: true });

  refuse(which: (message: OutboxMessage) => boolean): void {
    this.#sink.refuse(which);
  }

  /** Ids of the stream's events, each once, in the order in which they were accepted. */
  ids(stream: string): readonly string[] {
    const own = this.#sink.delivered.filter((message) => message.stream === stream);
    return [...new Set(own.map(({ id }) => id))];
  }

  async deliver(batch: readonly OutboxMessage[], { lane, epoch }: DeliveryContext): Promise<Delivery> {
    const delivery = await this.#sink.deliver(batch);
    const messages = batch.slice(0, delivery.accepted).map(({ id, stream, revision, data }) => ({
      ...{ id, stream, revision: Number(revision) },
      text: (data as { readonly text: string }).text,
    }));
    if (messages.length > 0) {
      this.deliveries.push({ instance: `epoch ${epoch}`, lane, epoch: Number(epoch), at: Date.now(), messages });
    }
    return delivery;
  }
}
