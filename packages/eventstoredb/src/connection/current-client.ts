import type { Readable } from 'node:stream';
import { EventStoreDBClient } from '@eventstore/db-client';
import type { Credentials } from '@eventstore/db-client';
import { InvalidOptionsError } from '@waybill/core';
import { EventStoreDBUnavailableError } from '../eventstoredb-errors.js';
import type { Settings } from '../eventstoredb-options.js';
import { closeChannel } from './client-internals.js';

/**
 * The one client, made on first use and replaced when it is not to be trusted any more: a failed discovery is cached for ever, and a
 * connection to a server that has fallen silent stays with its client.
 */
export class CurrentClient {
  readonly #settings: Settings;
  readonly #reads = new Set<Readable>();
  #client: EventStoreDBClient | undefined;
  #closed = false;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /**
   * @throws {@link InvalidOptionsError} the connection string is none
   * @throws {@link EventStoreDBUnavailableError} it was closed
   */
  get(): EventStoreDBClient {
    if (this.#closed) throw closed();
    try {
      this.#client ??= EventStoreDBClient.connectionString(this.#settings.connectionString);
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw new InvalidOptionsError(
        `The connection string of EventStoreDB cannot be used: ${detail}. It looks like "esdb://host:2113?tls=true".`,
        { cause },
      );
    }
    return this.#client;
  }

  credentials(): Promise<Credentials | undefined> {
    return this.#settings.credentials?.() ?? Promise.resolve(undefined);
  }

  /** Forgets this client, unless another one has taken its place already. Calls under way on it end by themselves. */
  replace(client: EventStoreDBClient): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    closeChannel(client);
  }

  /** Ends this read when the connection is closed. */
  keep(read: Readable): void {
    this.#reads.add(read);
    read.once('close', () => this.#reads.delete(read));
  }

  close(): void {
    this.#closed = true;
    for (const read of this.#reads) read.destroy(closed());
    if (this.#client) this.replace(this.#client);
  }
}

const closed = (): EventStoreDBUnavailableError => new EventStoreDBUnavailableError('this EventStoreDB was closed');
