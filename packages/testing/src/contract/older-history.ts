import { randomUUID } from 'node:crypto';
import type { EventHistory, ReadHistoryOptions, RecordedMessage } from '@waybill/core';

/** What an event store knows of streams that Waybill has yet to take over, and what others append there. */
export class OlderHistory implements EventHistory {
  readonly #streams = new Map<string, RecordedMessage[]>();

  append(stream: string, ...deposits: readonly number[]): void {
    const messages = this.#streams.get(stream) ?? [];
    for (const cents of deposits) {
      const revision = BigInt(messages.length);
      messages.push({
        ...{
          id: randomUUID(),
          kind: 'event',
          type: 'Deposited',
          stream,
          revision,
          occurredAt: new Date(),
          schemaVersion: 1,
          codec: 'json',
        },
        ...{ metadata: { correlationId: 'older' }, json: { cents } },
      });
    }
    this.#streams.set(stream, messages);
  }

  async *read(stream: string, { from }: ReadHistoryOptions): AsyncIterable<RecordedMessage> {
    yield* (this.#streams.get(stream) ?? []).filter(({ revision }) => revision >= from);
  }
}
