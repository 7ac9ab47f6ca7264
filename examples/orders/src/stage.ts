import { isWaybillError } from '@waybill/core';
import { EventStoreDB } from '@waybill/eventstoredb';
import { audit } from './books/audit.js';
import type { Audit } from './books/audit.js';
import type { ListedOrder } from './books/books.js';
import type { PaymentOrder, ShippingOrder, ShopOrder } from './child-orders.js';
import { openShipping, openShop } from './composition/databases.js';
import type { DatabasePlace } from './composition/databases.js';
import type { OpenedShipping, OpenedShop } from './composition/opened-services.js';
import type { PlannedOrder } from './customers.js';
import { readLedger } from './payment/ledger.js';
import type { Mood } from './payment/payment-service.js';
import { ServiceHost } from './service-host.js';
import { Order } from './shop/order.js';
import type { Shop, ShopTimes } from './shop/shop.js';

export interface StageOptions {
  readonly place: DatabasePlace;
  readonly eventstoredb: string;
  /** The file of the payment service's books. */
  readonly ledger: string;
  /** Default: those of the demo. */
  readonly times?: Partial<ShopTimes>;
}

/** A process that is gone is noticed soon, and nobody waits for long. In earnest the defaults do, and hours to pay. */
const TIMES: ShopTimes = { leaseMs: 4_000, pendingMs: 1_000, statusAttempts: 15, unpaidMs: 10_000 };

/** The three services, each in a process of its own, and whoever stands outside: customers, a person who decides, an auditor. */
export class Stage {
  readonly payment: ServiceHost<PaymentOrder>;
  readonly shipping: ServiceHost<ShippingOrder>;
  #shop: ServiceHost<ShopOrder> | undefined;
  #desk: Shop | undefined;
  #port = 0;
  readonly #promised: string[] = [];
  readonly #options: StageOptions;
  readonly #times: ShopTimes;
  readonly #openedShop: OpenedShop;
  readonly #openedShipping: OpenedShipping;
  readonly #eventstore: EventStoreDB;

  constructor(options: StageOptions) {
    const { place, eventstoredb, ledger } = (this.#options = options);
    const times = (this.#times = { ...TIMES, ...options.times });
    this.#openedShop = openShop(place);
    this.#openedShipping = openShipping(place);
    this.#eventstore = new EventStoreDB(eventstoredb);
    this.payment = new ServiceHost<PaymentOrder>(program('payment/payment-process.js'), { ledger, port: 0 });
    this.shipping = new ServiceHost<ShippingOrder>(program('shipping/shipping-process.js'), {
      place,
      eventstoredb,
      leaseMs: times.leaseMs,
    });
  }

  get shop(): ServiceHost<ShopOrder> {
    if (!this.#shop) throw new Error('The stage is not set.');
    return this.#shop;
  }

  /** The shop as the tools of its people see it: it is not started here. */
  get desk(): Shop {
    if (!this.#desk) throw new Error('The stage is not set.');
    return this.#desk;
  }

  get placed(): number {
    return this.#promised.length;
  }

  get paymentUrl(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Makes tables, and starts the payment service; the others are started by whoever knows how they are to end. */
  async set(): Promise<void> {
    const { place, eventstoredb } = this.#options;
    const times = this.#times;
    await this.#openedShop.create();
    await this.#openedShipping.create();
    await this.startPayment();
    this.#shop = new ServiceHost<ShopOrder>(program('shop/shop-process.js'), { place, eventstoredb, payments: this.paymentUrl, times });
    this.#desk = this.#openedShop.shop({ eventstore: this.#eventstore, payments: this.paymentUrl, run: place.run, times });
  }

  /** At the port of the one before. */
  async startPayment(): Promise<void> {
    this.#port = (await this.payment.start({ port: this.#port })).port ?? 0;
  }

  async paymentMood(mood: Mood): Promise<void> {
    await fetch(`${this.paymentUrl}/mood/${mood}`, { method: 'POST' });
  }

  /** What a customer does. The order counts as promised once the commit is known. */
  async order({ id, item, card, totalCents }: PlannedOrder, signal?: AbortSignal): Promise<void> {
    await this.desk.unitOfWork.run(async ({ track }) => track(new Order(id)).place({ item, card, totalCents }), {
      ...(signal && { signal }),
    });
    this.#promised.push(id);
  }

  /** What a person does about what stands still. @returns what was done */
  async decideByHand(): Promise<readonly string[]> {
    return [...(await this.#settleStuck()), ...(await this.#letGoOn())];
  }

  /**
   * Steps that nobody can decide: has the payment service cancel what is still pending there, looks at what it says
   * then, and settles the step by that.
   */
  async #settleStuck(): Promise<readonly string[]> {
    const done: string[] = [];
    for (const { process, key, steps } of await this.desk.managers.stuck()) {
      for (const { step } of steps.filter(({ state }) => state === 'stuck')) {
        await fetch(`${this.paymentUrl}/orders/${key}/cancel`, { method: 'POST' });
        const answer = await fetch(`${this.paymentUrl}/orders/${key}`);
        if (answer.status === 404) continue; // the command to charge is on its way
        const { state } = (await answer.json()) as { readonly state: string };
        const [as, reason] =
          state === 'taken' ? (['completed', 'the money is there'] as const) : (['failed', 'cancelled at the bank'] as const);
        try {
          await this.desk.managers.settle({ process, key, step }, as, { by: 'ada', reason });
          done.push(`Nobody could find out what came of the ${step} of order ${key}. ada settles it as ${as}: ${reason}.`);
        } catch (error) {
          if (!isWaybillError(error, 'INVALID_OPTIONS')) throw error; // it was told meanwhile
        }
      }
    }
    return done;
  }

  /** What stands still at a message that processes died at, one after the other, or of which nobody could tell for long: not its fault, here. */
  async #letGoOn(): Promise<readonly string[]> {
    const { dispatcher } = this.desk;
    const halted = (await dispatcher.lanes()).filter(({ state }) => state === 'halted');
    for (const { route, lane } of halted) await dispatcher.resume(route, lane);
    const parked = (await dispatcher.stopped('money')).filter(({ state }) => state === 'parked');
    if (parked.length > 0) await dispatcher.redrive('money', { streams: parked.map(({ stream }) => stream) });
    return [...halted, ...parked].map(({ route, lane, failure }) => `${route}/${lane} stood still (${failure?.code}). ada lets it go on.`);
  }

  /** How far the orders are. Quiet: nothing is under way any more, in no outbox, no process, and not in the list of orders either. */
  async look(): Promise<{ readonly shipped: number; readonly cancelled: number; readonly isQuiet: boolean }> {
    const { open, orders, placed } = await this.#openedShop.books();
    const [shipped, cancelled] = OVER.map((wanted) => orders.filter(({ status }) => status === wanted).length) as [number, number];
    const isOver = open.length === 0 && shipped + cancelled === placed.length;
    const { dispatcher } = this.desk;
    const isQuiet =
      isOver && (await dispatcher.lanes()).every(({ pending }) => pending === 0) && (await dispatcher.stopped('money')).length === 0;
    return { shipped, cancelled, isQuiet };
  }

  /** What is still going on, for whoever wonders why. */
  async unfinished(): Promise<readonly string[]> {
    const { open, orders } = await this.#openedShop.books();
    const lanes = (await this.desk.dispatcher.lanes()).filter(({ pending }) => pending > 0);
    return [
      ...orders.filter(({ status }) => !OVER.includes(status)).map(({ orderId, status }) => `order ${orderId} is ${status}`),
      ...open,
      ...lanes.map(({ route, lane, state, failure }) => `lane ${route}/${lane} is ${state}${failure ? `: ${failure.error}` : ''}`),
    ];
  }

  /** As people read them. */
  async orders(): Promise<readonly ListedOrder[]> {
    return (await this.#openedShop.books()).orders;
  }

  async closedCases(): Promise<readonly string[]> {
    return (await this.#openedShop.books()).closedCases;
  }

  async audit(): Promise<Audit> {
    const [shop, shipping] = await Promise.all([this.#openedShop.books(), this.#openedShipping.books()]);
    return audit({ shop, shipping, ledger: readLedger(this.#options.ledger), promised: this.#promised });
  }

  /** Ends all, by force, and removes what `set` made. */
  async strike(): Promise<void> {
    await Promise.all([this.payment.kill(), this.shipping.kill(), this.#shop?.kill()]);
    await this.#desk?.stop();
    await this.#eventstore.close();
    for (const opened of [this.#openedShop, this.#openedShipping]) {
      await opened.drop().catch(() => {});
      await opened.close();
    }
  }
}

const OVER: readonly string[] = ['shipped', 'cancelled'];
const program = (path: string): URL => new URL(path, import.meta.url);
