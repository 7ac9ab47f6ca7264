import type { EventHistory, ReadHistoryOptions, RecordedMessage } from '@waybill/core';
import type { CurrentClient } from '../connection/current-client.js';
import { readEvents } from '../connection/read-events.js';
import { recordedMessage } from '../event/recorded-message.js';
import type { Settings } from '../eventstoredb-options.js';

/** Streams as EventStoreDB has them, links unresolved. */
export class EventStoreDBHistory implements EventHistory {
  readonly #client: CurrentClient;
  readonly #settings: Settings;

  constructor(client: CurrentClient, settings: Settings) {
    this.#client = client;
    this.#settings = settings;
  }

  async *read(stream: string, { from, leader = false, signal }: ReadHistoryOptions): AsyncGenerator<RecordedMessage> {
    for await (const event of readEvents(this.#client, this.#settings, stream, { from, leader, signal })) yield recordedMessage(event);
  }
}
