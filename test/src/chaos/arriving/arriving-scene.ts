import { setTimeout as sleep } from 'node:timers/promises';
import type { EventStoreDBEmulator } from '@waybill/eventstoredb-emulator';
import type { OutboxMessage } from '@waybill/core';
import { EventStoreDB } from '@waybill/eventstoredb';
import { deliverTo } from '../../eventstoredb/emulated.js';
import type { ChaosServer } from '../chaos-server.js';
import type { DatabasePlace } from '../dispatcher-order.js';
import { ForkedProgram } from '../forked-program.js';
import { openDatabase } from '../open-database.js';
import type { OpenDatabase } from '../open-database.js';
import { patiently } from '../patiently.js';
import { aMessageOf } from './arriving-messages.js';
import type { ArrivingMoment, ArrivingOrder, Ending, Role } from './arriving-order.js';
import { faultsOf, faultsOfCalls } from './books.js';
import type { Ledger } from './books.js';
import { diaryOn, entriesIn } from './diary.js';
import type { DiaryEntry } from './diary.js';
import { expectedOf, textOf } from './expectations.js';
import type { Expected } from './expectations.js';
import { projectionsOf } from './roles.js';
import { Till } from './till.js';

export interface ArrivingSceneOptions {
  readonly server: ChaosServer;
  readonly eventstoredb: EventStoreDBEmulator;
  readonly role: Role;
  /** Of the streams that are taken. */
  readonly category: string;
  readonly effectsApart?: boolean;
}

/** Long enough for a process on a machine that is short of time. */
export const LEASE_MS = 2_000;
const LOOK_EVERY_MS = 100;
const STREAMS = ['a', 'b'];
const PROGRAM = new URL('arriving-process.js', import.meta.url);

/** Messages that are written to EventStoreDB, processes in one role that take them, one life after the other, and what came of it. */
export class ArrivingScene {
  readonly #shipped = new Map<string, OutboxMessage[]>();
  readonly #lives: ForkedProgram[] = [];
  #generation = 1;

  private constructor(
    private readonly options: ArrivingSceneOptions,
    private readonly place: DatabasePlace,
    private readonly opened: OpenDatabase,
    private readonly eventstore: EventStoreDB,
    readonly till: Till,
  ) {}

  static async open(options: ArrivingSceneOptions): Promise<ArrivingScene> {
    const place = await options.server.newDatabase();
    const opened = await openDatabase(place);
    await opened.database.migrate();
    await opened.database.transactions.run((tx) => diaryOn(place.kind).prepare(tx));
    const eventstore = new EventStoreDB(options.eventstoredb.connectionString, { appendTimeoutMs: 1_000, readTimeoutMs: 1_000 });
    return new ArrivingScene(options, place, opened, eventstore, await Till.start());
  }

  get eventstoredb(): EventStoreDBEmulator {
    return this.options.eventstoredb;
  }

  /** Writes so many messages to each stream: two of three are handled in one step, and one in two; or each begins a process. */
  async ship(perStream: number): Promise<void> {
    const { role, category } = this.options;
    const messages = STREAMS.flatMap((name) => {
      const stream = `${category}-${name}`;
      const before = this.#shipped.get(stream) ?? [];
      const added = Array.from({ length: perStream }, (_, nth) => {
        const revision = before.length + nth;
        return aMessageOf(role === 'process' ? 'ParcelLost' : revision % 3 === 1 ? 'FeeAsked' : 'ParcelShipped', stream, revision);
      });
      this.#shipped.set(stream, [...before, ...added]);
      return added;
    });
    await patiently('the delivery', async () => (await deliverTo(this.eventstore, messages)).accepted === messages.length || undefined);
  }

  /** One more process; without an ending it lives. */
  live(ending?: Ending): ForkedProgram {
    const { role, category, eventstoredb, effectsApart = false } = this.options;
    const order: ArrivingOrder = {
      ...{ role, category, instance: `life-${this.#lives.length + 1}`, leaseMs: LEASE_MS, effectsApart },
      ...{ database: this.place, eventstoredb: eventstoredb.connectionString, till: this.till.port },
      ...(ending && { ending }),
    };
    const life = new ForkedProgram(PROGRAM, order);
    this.#lives.push(life);
    return life;
  }

  /** A process that ends itself where it is told to. @throws it ended otherwise, or not at all */
  async dies(ending: Ending): Promise<void> {
    const life = this.live(ending);
    await patiently(`the death at ${ending.moment}`, () => life.ending).catch((error: unknown) => this.#giveUp(life, error));
    if (life.ending !== 'SIGKILL') this.#giveUp(life, new Error(`It was to die at ${ending.moment}, and ended by ${life.ending}.`));
  }

  /** A process that freezes itself, holding what it holds there. */
  async freezes(moment: ArrivingMoment): Promise<ForkedProgram> {
    const life = this.live({ moment, nth: 1, by: 'freeze' });
    await patiently(`the freezing at ${moment}`, () => life.told.has('ending') || undefined).catch((error: unknown) =>
      this.#giveUp(life, error),
    );
    return life;
  }

  /** Waits until a process has told something. */
  async hears(life: ForkedProgram, name: string): Promise<void> {
    await patiently(`its telling of "${name}"`, () => life.told.has(name) || undefined).catch((error: unknown) =>
      this.#giveUp(life, error),
    );
  }

  /** Orders that the projection is built anew. */
  async rebuild(): Promise<void> {
    const nothing = async (): Promise<void> => {};
    const means = { order: { instance: 'operator', leaseMs: LEASE_MS } as ArrivingOrder, database: this.opened.database };
    const log = this.eventstore.subscribe({ category: this.options.category });
    this.#generation = await projectionsOf({ ...means, write: nothing, pay: nothing, reached: nothing }, log).rebuild('parcel-list');
  }

  /** Waits until all is there, and the place is stored. Whoever takes messages by then still lives. */
  async isOver(by: ForkedProgram): Promise<void> {
    const isAllThere = async (): Promise<true | undefined> => {
      await sleep(LOOK_EVERY_MS);
      return (await this.faults()).length === 0 || undefined;
    };
    await patiently('the end of it all', isAllThere).catch(async (error: unknown) =>
      this.#giveUp(by, new Error([String(error), ...(await this.faults())].join('\n'))),
    );
  }

  /** What is wrong. @param soFar - something may be missing yet */
  async faults({ soFar = false } = {}): Promise<readonly string[]> {
    const entries = await entriesIn(this.place.kind, this.opened.database);
    const expected = expectedOf({ role: this.options.role, shipped: this.#shipped, generation: this.#generation });
    const ledgers: Ledger[] = [];
    for (const each of expected) {
      const written = each.in === 'diary' ? writtenIn(entries, each) : await this.#sent(each.stream);
      ledgers.push({ ...each, name: `${each.in} ${each.stream}`, expected: each.lines, written, isComplete: each.isComplete && !soFar });
    }
    const streams = new Set(expected.map(({ stream }) => stream));
    const strays = entries.filter(({ stream }) => !streams.has(stream)).map(({ text }) => `diary: nobody knows where ${text} comes from`);
    return [...ledgers.flatMap(faultsOf), ...strays, ...this.#faultsOfCalls(soFar)];
  }

  async close(): Promise<void> {
    await Promise.all(this.#lives.filter(({ ending }) => ending === undefined).map((life) => life.kill()));
    await this.eventstore.close();
    await this.till.close();
    await this.opened.close();
  }

  /** Messages of the outbox, by what caused them, or what they are. */
  async #sent(stream: string): Promise<readonly string[]> {
    const { transactions, outbox } = this.opened.database;
    const { tail } = await transactions.run((tx) => outbox.headAndTail(stream, 0n, tx));
    if (this.options.role === 'process') return tail.map(({ type }) => type);
    const byId = new Map([...this.#shipped.values()].flat().map((message) => [message.id, textOf(message)]));
    return tail.map(({ metadata: { causationId = '' } }) => byId.get(causationId) ?? causationId);
  }

  #faultsOfCalls(soFar: boolean): readonly string[] {
    const { role } = this.options;
    const isPaid = role === 'log' || role === 'group';
    const toPay = [...this.#shipped.values()].flat().filter(({ type }) => isPaid && type === 'FeeAsked');
    return faultsOfCalls({ toPay: toPay.map(({ id }) => id), calls: this.till.calls, isComplete: !soFar });
  }

  #giveUp(life: ForkedProgram, error: unknown): never {
    const events = life.events.slice(-25).map((event) => `  ${JSON.stringify(event)}`);
    throw new Error([`${String(error)} It told last (${life.ending ?? 'it runs'}):`, ...events].join('\n'));
  }
}

/** In the order in which its transactions saw each other. */
const writtenIn = (entries: readonly DiaryEntry[], { stream, isOrdered }: Expected): readonly string[] => {
  const found = entries.filter((entry) => entry.stream === stream).sort((one, other) => one.before - other.before);
  const stale = isOrdered ? found.filter(({ before }, nth) => before !== nth) : [];
  return [...found.map(({ text }) => text), ...stale.map(({ text, before }) => `${text}, which saw only ${before} before it`)];
};
