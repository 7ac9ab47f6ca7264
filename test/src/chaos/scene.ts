import { setTimeout as sleep } from 'node:timers/promises';
import { EventStoreDBEmulator } from '@waybill/eventstoredb-emulator';
import { AcceptanceLog } from './acceptance-log.js';
import type { ChaosServer } from './chaos-server.js';
import { SUSPECTED } from './dispatcher-child.js';
import { FaultProxy } from './fault-proxy.js';
import type { History, Placed } from './history.js';
import { checkHistory } from './history-checker.js';
import { Instance } from './instance.js';
import { openDatabase } from './open-database.js';
import type { OpenDatabase } from './open-database.js';
import type { Outcome } from './outcome.js';
import type { SeededRandom } from './seeded-random.js';
import { forAWhile, patiently } from './patiently.js';
import { rowsOf, Writers } from './writers.js';

export interface SceneOptions {
  readonly server: ChaosServer;
  readonly random: SeededRandom;
  /** Dispatcher processes. Default 3. */
  readonly instances?: number;
  readonly leaseMs?: number;
  readonly batchSize?: number;
  /** Longest pause of each of the writers between two commits, in milliseconds. */
  readonly pauseMs?: number;
}

const WRITERS = 4;
const DRAINED_WITHIN_MS = 60_000;
const OPERATOR_LOOKS_EVERY_MS = 1_000;
const TRY_AGAIN_MS = 100;

/**
 * A small shop on its worst day: writers, a new database, an EventStoreDB, the acceptance log, and dispatcher processes that deliver from
 * the one to the others. Every process, and the writers, reach the database through a bad network of their own.
 */
export class Scene {
  readonly random: SeededRandom;
  readonly leaseMs: number;
  readonly server: ChaosServer;
  readonly instances: Instance[] = [];
  readonly writers: Writers;
  readonly #open: OpenDatabase[];
  readonly #batchSize: number;
  #lookedAt = -Infinity;

  private constructor(
    options: SceneOptions & Required<Pick<SceneOptions, 'leaseMs' | 'batchSize' | 'pauseMs'>>,
    readonly eventstoredb: EventStoreDBEmulator,
    readonly log: AcceptanceLog,
    /** The writers' network. */
    readonly proxy: FaultProxy,
    private readonly direct: OpenDatabase,
    written: OpenDatabase,
  ) {
    this.random = options.random;
    this.server = options.server;
    this.leaseMs = options.leaseMs;
    this.#batchSize = options.batchSize;
    this.#open = [direct, written];
    this.writers = new Writers({ database: written.database, random: options.random, count: WRITERS, pauseMs: options.pauseMs });
  }

  /** Resolves once every instance delivers. */
  static async open({ instances = 3, leaseMs = 1_200, batchSize = 20, pauseMs = 60, ...options }: SceneOptions): Promise<Scene> {
    const place = await options.server.newDatabase();
    const direct = await openDatabase(place);
    await direct.database.migrate();
    const eventstoredb = await EventStoreDBEmulator.start();
    const log = await AcceptanceLog.start();
    const proxy = await FaultProxy.before(place.url);
    const written = await openDatabase({ ...place, url: proxy.url });
    const scene = new Scene({ ...options, leaseMs, batchSize, pauseMs }, eventstoredb, log, proxy, direct, written);
    try {
      for (let nth = 1; nth <= instances; nth++) {
        const network = await FaultProxy.before(place.url);
        const order = {
          ...{ instance: `dispatcher-${nth}`, database: { ...place, url: network.url }, leaseMs, batchSize },
          ...{ eventstoredb: eventstoredb.connectionString, log: log.port },
        };
        scene.instances.push(new Instance(order, network));
      }
      await Promise.all(scene.instances.map((instance) => instance.running()));
      return scene;
    } catch (error) {
      await scene.close();
      throw error;
    }
  }

  get kills(): number {
    return this.instances.reduce((sum, { kills }) => sum + kills, 0);
  }

  /** How often the instances told of something. */
  told(name: string): number {
    return this.instances.reduce((sum, instance) => sum + instance.told(name), 0);
  }

  /** The instance whose batch the log took last. */
  get busiest(): Instance {
    const last = this.log.deliveries.at(-1)?.instance;
    return this.instances.find(({ name }) => name === last) ?? this.instances[0]!;
  }

  /** Resolves once something has reached both targets that was committed after this call. */
  async goesOn(): Promise<void> {
    const before = this.writers.attempts.length;
    const message = await patiently(
      'a commit',
      async () => this.writers.attempts.slice(before).find(({ messages }) => messages.length > 0)?.messages[0],
    );
    await patiently(`the delivery of ${message.stream} ${message.revision}`, async () => {
      await this.#resumeSuspected();
      const isStored = this.eventstoredb.read(message.stream).some(({ id }) => id === message.id);
      return (isStored && this.log.acceptedIds.has(message.id)) || undefined;
    });
  }

  /** Ends all faults, lets everything be delivered, and says whether what was promised was kept. */
  async end(): Promise<Outcome> {
    this.heal();
    await this.writers.stop();
    const rows = await this.#rows();
    await this.#drained(rows);
    await Promise.all(this.instances.map((instance) => instance.stop()));
    const history: History = {
      ...{ attempts: this.writers.attempts, rows, deliveries: this.log.deliveries, batchSize: this.#batchSize },
      stored: new Map(this.#storedStreams().map((stream) => [stream, this.eventstoredb.read(stream).map(({ id }) => id)])),
    };
    return {
      ...{ history, verdict: checkHistory(history), kills: this.kills },
      surprises: this.instances.flatMap(({ surprises }) => surprises),
    };
  }

  /** Ends everything at once. Idempotent; to be called whatever happened. */
  async close(): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.close()));
    this.proxy.open();
    await this.writers.stop().catch(() => {}); // `end` says so
    for (const opened of this.#open.splice(0)) await opened.close();
    await this.proxy.close();
    await this.log.close();
    await this.eventstoredb.stop();
  }

  heal(): void {
    for (const { network } of this.instances) network.open();
    this.proxy.open();
    this.eventstoredb.faults.heal();
    this.log.take = (messages) => messages;
  }

  async #rows(): Promise<readonly Placed[]> {
    for (let tries = 1; ; tries++) {
      try {
        return await rowsOf(this.direct.database, this.writers.streams);
      } catch (error) {
        if (tries === 50) throw error;
        await sleep(TRY_AGAIN_MS); // the server may just be coming back
      }
    }
  }

  /** What is still missing when the time is over, the checker finds. */
  async #drained(rows: readonly Placed[]): Promise<void> {
    const drained = await forAWhile(DRAINED_WITHIN_MS, async () => {
      await this.#resumeSuspected();
      if (!rows.every(({ id }) => this.log.acceptedIds.has(id))) return undefined;
      const stored = this.#storedStreams().reduce((sum, stream) => sum + this.eventstoredb.read(stream).length, 0);
      return stored >= rows.length || undefined;
    });
    if (!drained) for (const instance of this.instances) instance.blame('has not delivered everything in time');
  }

  /** What a person would do: a message at which processes were killed by chance, several times in a row, stands there as their killer. */
  async #resumeSuspected(): Promise<void> {
    if (performance.now() < this.#lookedAt + OPERATOR_LOOKS_EVERY_MS) return;
    this.#lookedAt = performance.now();
    const { status, actions, wakeUps } = this.direct.database;
    const halted = (await status.lanes()).filter(({ state, failure }) => state === 'halted' && SUSPECTED.test(failure?.error ?? ''));
    for (const { route, lane } of halted) await actions.request({ route, lane, kind: 'resume' });
    if (halted.length > 0) wakeUps.nudge('action', []);
  }

  #storedStreams(): readonly string[] {
    return this.eventstoredb.streams().filter((stream) => stream.startsWith('order-'));
  }
}
