import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readLedger, SOLD_OUT, Stage, startServers } from '@waybill/example-orders';
import type { Card, DatabaseKind, Death, Servers, StageOptions } from '@waybill/example-orders';
import { setTimeout as delay } from 'node:timers/promises';
import { patiently } from '../chaos/patiently.js';

export interface OrderedThing {
  readonly name: string;
  readonly card?: Card;
  readonly soldOut?: boolean;
}

/** How an order ended: `shipped`, or `cancelled: sold out`; and what became of its money, in order. */
export interface OrderEnd {
  readonly status: string;
  readonly money: readonly string[];
}

const CENTS = 1_250;
const LOOK_EVERY_MS = 200; // a look reads everything

/** The three services of the orders example, each in a process of its own, under the eyes of a test. */
export class OrdersStage {
  readonly stage: Stage;
  readonly #run: string;

  private constructor(
    readonly servers: Servers,
    database: DatabaseKind,
    times: StageOptions['times'],
  ) {
    const { url, eventstoredb } = servers;
    this.#run = randomBytes(4).toString('hex');
    this.stage = new Stage({ place: { database, url, run: this.#run }, eventstoredb, ledger: this.#ledger, times });
  }

  static async set(servers: Servers, database: DatabaseKind, times: StageOptions['times']): Promise<OrdersStage> {
    const set = new OrdersStage(servers, database, times);
    await set.stage.set();
    return set;
  }

  async order({ name, card = 'good', soldOut = false }: OrderedThing): Promise<void> {
    const item = soldOut ? SOLD_OUT : 'a book';
    await this.stage.order({ id: `${this.#run}-${name}`, item, card, totalCents: CENTS });
  }

  /** Runs the shop until it dies. @returns how it ended */
  async shopUntil(death: Death, work: () => Promise<void>): Promise<string> {
    const died = once(this.stage.shop.events, 'died') as Promise<[string]>;
    await this.stage.shop.start({ death });
    await work();
    return (await died)[0];
  }

  /** Until nothing is under way any more; what only a person can decide is decided. */
  async untilQuiet(): Promise<void> {
    await patiently('the end of all orders', async () => {
      await delay(LOOK_EVERY_MS);
      await this.stage.decideByHand();
      return (await this.stage.look()).isQuiet || undefined;
    });
  }

  async ends(): Promise<Readonly<Record<string, OrderEnd>>> {
    const ledger = readLedger(this.#ledger);
    const ends = (await this.stage.orders()).map(({ orderId, status, reason }) => {
      const money = ledger.filter((line) => line.orderId === orderId).map(({ state }) => state);
      return [orderId.slice(this.#run.length + 1), { status: reason === null ? status : `${status}: ${reason}`, money }] as const;
    });
    return Object.fromEntries(ends);
  }

  get #ledger(): string {
    return `${this.servers.ledger}-${this.#run}`;
  }
}

export const serversFor = (database: DatabaseKind): Promise<Servers> => startServers({ database }, () => {});
