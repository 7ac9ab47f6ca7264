import type { EventHistory, EventLog, Sink, Witness } from '@waybill/core';
import { AppendQueue } from './append/append-queue.js';
import { CurrentClient } from './connection/current-client.js';
import { settingsOf } from './eventstoredb-options.js';
import type { EventStoreDBOptions, Settings } from './eventstoredb-options.js';
import { EventStoreDBHistory } from './history/eventstoredb-history.js';
import { EventStoreDBSink } from './sink/eventstoredb-sink.js';
import { PersistentSubscription } from './persistent/persistent-subscription.js';
import { persistentSubscriptionSettings } from './persistent/persistent-subscription-options.js';
import type { PersistentSubscriptionOptions } from './persistent/persistent-subscription-options.js';
import { EventStoreDBLog } from './subscription/eventstoredb-log.js';
import { selectionOf } from './subscription/selection.js';
import type { SubscriptionTarget } from './subscription/selection.js';
import { subscriptionSettings } from './subscription/subscription-options.js';
import type { SubscriptionOptions } from './subscription/subscription-options.js';
import { EventStoreDBWitness } from './witness/eventstoredb-witness.js';

/**
 * One connection to EventStoreDB: a sink for a dispatcher's route, the event history that aggregates are loaded from, a witness of the
 * outbox, and subscriptions to what is written there.
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
  readonly #settings: Settings;
  readonly #client: CurrentClient;
  readonly #queue: AppendQueue;

  /** @param connectionString - `esdb://host:2113?tls=true`, `esdb+discover://...`; checked on first use */
  constructor(connectionString: string, options: EventStoreDBOptions = {}) {
    const settings = (this.#settings = settingsOf(connectionString, options));
    this.#client = new CurrentClient(settings);
    this.#queue = new AppendQueue(this.#client, settings);
    this.sink = new EventStoreDBSink(this.#client, this.#queue, settings);
    this.history = new EventStoreDBHistory(this.#client, settings);
    this.witness = new EventStoreDBWitness(this.#client, this.#queue, settings);
  }

  /**
   * What is written there, from any place on, and then as it is written: for a consumer, or for projections that follow.
   *
   * Positions are revisions of the stream, or positions of `$all`; a checkpoint of the one is of no use to the other. The system's events
   * (types that begin with `$`) are passed by. A server that falls silent is asked, and the subscription given up when it does not answer.
   *
   * @throws {@link InvalidOptionsError} the target cannot be followed
   */
  subscribe(target: SubscriptionTarget, options: SubscriptionOptions = {}): EventLog {
    return new EventStoreDBLog(this.#client, this.#settings, selectionOf(target), subscriptionSettings(options));
  }

  /**
   * A group at the server, which hands out messages to the consumers that share it and remembers what they answered. It is made on demand;
   * one that is there stays as it is.
   *
   * @throws {@link InvalidOptionsError} target or options cannot be used
   */
  persistentSubscription(target: SubscriptionTarget, options: PersistentSubscriptionOptions): PersistentSubscription {
    return new PersistentSubscription(this.#client, this.#settings, selectionOf(target), persistentSubscriptionSettings(options));
  }

  /** Ends the connection. Appends, reads and subscriptions under way fail; what was stored stays stored. Idempotent. */
  async close(): Promise<void> {
    this.#queue.close();
    this.#client.close();
  }
}
