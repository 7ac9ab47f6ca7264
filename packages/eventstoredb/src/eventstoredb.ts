import type { EventHistory, Sink, Witness } from '@waybill/core';
import { AppendQueue } from './append/append-queue.js';
import { CurrentClient } from './connection/current-client.js';
import { settingsOf } from './eventstoredb-options.js';
import type { EventStoreDBOptions } from './eventstoredb-options.js';
import { EventStoreDBHistory } from './history/eventstoredb-history.js';
import { EventStoreDBSink } from './sink/eventstoredb-sink.js';
import { EventStoreDBWitness } from './witness/eventstoredb-witness.js';

/**
 * One connection to EventStoreDB with three ends: a sink for a dispatcher's route, the event history that aggregates are loaded from, and a
 * witness of the outbox.
 *
 * Connects on first use, and anew whenever the connection is not to be trusted any more. One for a process is enough, and what the limits
 * are counted by; it owns its client and shares it with nobody.
 */
export class EventStoreDB {
  /** Needs whole streams. Both orders of a route: `'stream'` pipelines, `'global'` stops and waits. */
  readonly sink: Sink;
  /** @throws `EVENTSTOREDB_UNAVAILABLE`, `STREAM_TOMBSTONED`, and `INVALID_PAYLOAD` for a binary event, all while reading */
  readonly history: EventHistory;
  /** For a dispatcher's option `witness`: notices an outbox that was restored or cloned. */
  readonly witness: Witness;
  readonly #client: CurrentClient;
  readonly #queue: AppendQueue;

  /** @param connectionString - `esdb://host:2113?tls=true`, `esdb+discover://...`; checked on first use */
  constructor(connectionString: string, options: EventStoreDBOptions = {}) {
    const settings = settingsOf(connectionString, options);
    this.#client = new CurrentClient(settings);
    this.#queue = new AppendQueue(this.#client, settings);
    this.sink = new EventStoreDBSink(this.#client, this.#queue, settings);
    this.history = new EventStoreDBHistory(this.#client, settings);
    this.witness = new EventStoreDBWitness(this.#client, this.#queue, settings);
  }

  /** Ends the connection. Appends and reads under way fail; what was stored stays stored. Idempotent. */
  async close(): Promise<void> {
    this.#queue.close();
    this.#client.close();
  }
}
