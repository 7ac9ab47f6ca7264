import { setTimeout as delay } from 'node:timers/promises';
import type { Server } from '@grpc/grpc-js';
import { AppendDesk } from './append/append-desk.js';
import { Appender } from './append/appender.js';
import { EmulatorStoppedError } from './emulator-errors.js';
import { DEFAULTS, REPORTED_VERSIONS } from './emulator-options.js';
import type { EmulatorOptions } from './emulator-options.js';
import { FaultPlan } from './faults/fault-plan.js';
import { Faults } from './faults/faults.js';
import { LogFile } from './log/log-file.js';
import { SubscriptionGroups } from './persistent/subscription-groups.js';
import { readAll } from './read/read-records.js';
import { Endpoint } from './server/endpoint.js';
import { appendService } from './service/append-service.js';
import { batchAppendService } from './service/batch-append-service.js';
import { GOSSIP, PERSISTENT_SUBSCRIPTIONS, SERVER_FEATURES, STREAMS } from './service/definitions.js';
import { deleteService } from './service/delete-service.js';
import { featuresService } from './service/features-service.js';
import { gossipService } from './service/gossip-service.js';
import { groupServices } from './service/group-services.js';
import { readService } from './service/read-service.js';
import { EventStore } from './store/event-store.js';
import { storedEventOf } from './stored-event.js';
import type { StoredEvent } from './stored-event.js';

export interface KillOptions {
  /**
   * How many of the appends still being committed are on disk, the first ones first. Default: half of them, rounded up. There are none
   * unless commits take time.
   *
   * @param inFlight - how many there are
   */
  readonly surviving?: (inFlight: number) => number;
}

export interface StopOptions {
  /**
   * How long to go on as if nothing had happened, in milliseconds, before every connection ends; appends that arrive in the last moments are
   * stored and not acknowledged. Default 0. The real server takes 5,000.
   */
  readonly graceMs?: number;
}

const LAST_MOMENTS_MS = 20;

/**
 * An EventStoreDB in this process, for development and tests: the real client talks to it over gRPC.
 *
 * It keeps to what was measured on a real server, oddities included, and fails in the real server's ways when told to. It is one node
 * without TLS, users or projections, and it is not durable: see the README for all that it is not.
 *
 * ```ts
 * const emulator = await EventStoreDBEmulator.start();
 * const client = EventStoreDBClient.connectionString(emulator.connectionString);
 * ```
 */
export class EventStoreDBEmulator {
  /** The ways in which this server fails on purpose. */
  readonly faults: Faults;

  readonly #host: string;
  readonly #plan = new FaultPlan();
  readonly #store: EventStore;
  readonly #appender: Appender;
  readonly #desk: AppendDesk;
  readonly #groups: SubscriptionGroups;
  readonly #endpoint: Endpoint;
  readonly #options: Required<Omit<EmulatorOptions, 'file'>>;
  #state: 'new' | 'running' | 'killed' | 'stopped' = 'new';

  private constructor(options: EmulatorOptions) {
    const { host, port, version, commitDelayMs, commitTimeoutMs, maxAppendBytes } = (this.#options = { ...DEFAULTS, ...options });
    const file = options.file === undefined ? {} : { file: new LogFile(options.file) };
    this.#host = host;
    this.#store = new EventStore({ ...file, commitDelayMs });
    this.#appender = new Appender(this.#store);
    this.#desk = new AppendDesk({
      store: this.#store,
      appender: this.#appender,
      faults: this.#plan,
      sizeRule: version === '23.10' ? 'data' : 'whole-event',
      maxAppendBytes,
      commitTimeoutMs,
    });
    this.#groups = new SubscriptionGroups({ store: this.#store, appender: this.#appender, faults: this.#plan });
    this.#endpoint = new Endpoint({ host, port, serve: (server) => this.#serve(server) });
    const server = {
      setCommitDelay: (delayMs: number) => void (this.#store.commitDelayMs = delayMs),
      tearConnections: () => this.#endpoint.tearConnections(),
      cancelCalls: () => this.#endpoint.cancelCalls(),
    };
    this.faults = new Faults(this.#plan, server, commitDelayMs);
  }

  /**
   * Starts a server and resolves once it takes connections.
   *
   * @throws {@link AddressUnavailableError} the address is taken
   * @throws {@link InvalidLogFileError} `file` is something else's file
   */
  static async start(options: EmulatorOptions = {}): Promise<EventStoreDBEmulator> {
    const emulator = new EventStoreDBEmulator(options);
    emulator.#store.open();
    emulator.#groups.open();
    try {
      await emulator.#endpoint.open();
    } catch (error) {
      emulator.#groups.close();
      emulator.#store.close();
      throw error;
    }
    emulator.#state = 'running';
    return emulator;
  }

  get port(): number {
    return this.#endpoint.port;
  }

  /** What the client connects to: `esdb://127.0.0.1:PORT?tls=false`. The same after a restart. */
  get connectionString(): string {
    return `esdb://${this.#address}:${this.port}?tls=false`;
  }

  /**
   * Ends as SIGKILL does: connections break (ECONNRESET), nothing in flight is acknowledged, and of the appends still being committed some
   * are stored. Armed faults stay; {@link restart} brings the server back.
   */
  async kill({ surviving = (inFlight) => Math.ceil(inFlight / 2) }: KillOptions = {}): Promise<void> {
    if (this.#state !== 'running') return;
    this.#state = 'killed';
    this.#plan.die();
    this.#groups.close();
    this.#store.crash(surviving);
    await this.#endpoint.close({ reset: true });
  }

  /**
   * Comes back on the same port, killing first if still running. All committed events are there; the ids that guard `ANY` are forgotten.
   *
   * @throws {@link EmulatorStoppedError} it was stopped for good
   */
  async restart(options: KillOptions = {}): Promise<void> {
    if (this.#state === 'stopped') throw new EmulatorStoppedError();
    await this.kill(options);
    this.#appender.forgetRecentIds();
    this.#groups.open();
    await this.#endpoint.open();
    this.#plan.revive();
    this.#state = 'running';
  }

  /** Ends for good: connections close and the file, if any, is closed. Subscribers and appends in flight fail with UNAVAILABLE. Idempotent. */
  async stop({ graceMs = 0 }: StopOptions = {}): Promise<void> {
    if (this.#state === 'stopped') return;
    if (this.#state === 'running' && graceMs > 0) {
      await delay(Math.max(graceMs - LAST_MOMENTS_MS, 0));
      this.faults.storeWithoutAcknowledging(Infinity);
      await delay(LAST_MOMENTS_MS);
    }
    this.#state = 'stopped';
    this.#plan.die();
    this.#groups.close();
    await this.#endpoint.close({ reset: false });
    this.#store.close();
  }

  /** Names of all streams that hold an event, in the order of their first one; system and metadata streams included. */
  streams(): string[] {
    return [...this.#store.streams()].filter((stream) => this.#store.lastCommitted(stream) >= 0).map(({ name }) => name);
  }

  /**
   * A stream's events as they are stored, in order; those that deletes and metadata hide included. Empty if there is no such stream.
   *
   * Does not go through the server: it works while the server is killed or stopped too.
   */
  read(stream: string): StoredEvent[] {
    const index = this.#store.stream(stream);
    if (!index) return [];
    const positions = index.positions.slice(0, this.#store.lastCommitted(index) + 1);
    return positions.map((position) => storedEventOf(this.#store.log.at(position)));
  }

  /** Every stored event in the order of the log. */
  *readAll(): Generator<StoredEvent> {
    for (const record of readAll(this.#store, 0, 'forwards')) yield storedEventOf(record);
  }

  /** Where a client on this machine finds us, also when we listen on every address. */
  get #address(): string {
    if (this.#host === '0.0.0.0' || this.#host === '::') return '127.0.0.1';
    return this.#host.includes(':') ? `[${this.#host}]` : this.#host;
  }

  #serve(server: Server): void {
    const [store, faults, appender] = [this.#store, this.#plan, this.#appender];
    const { version, liveBufferSize } = this.#options;
    const liveBuffer = { size: liveBufferSize, whenFull: version === '23.10' ? 'drop' : 'catch-up' } as const;
    server.addService(STREAMS, {
      read: readService({ store, faults, liveBuffer }),
      append: appendService(this.#desk, faults),
      batchAppend: batchAppendService(this.#desk, faults),
      delete: deleteService({ store, appender, faults, hard: false }),
      tombstone: deleteService({ store, appender, faults, hard: true }),
    });
    server.addService(PERSISTENT_SUBSCRIPTIONS, groupServices({ groups: this.#groups, store, faults }));
    server.addService(GOSSIP, { read: gossipService(() => ({ host: this.#address, port: this.port }), faults) });
    server.addService(SERVER_FEATURES, { getSupportedMethods: featuresService(REPORTED_VERSIONS[version], faults) });
  }
}
