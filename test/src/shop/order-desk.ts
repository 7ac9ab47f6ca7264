import { laneOf, streamHash, UnitOfWork } from '@waybill/core';
import type { Dispatcher, DispatcherEvents, DispatcherOptions, Receipt, RouteOptions } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { aDispatcher } from './dispatching.js';
import { ManualClock } from './manual-clock.js';
import { MoodySink } from './moody-sink.js';
import { Order, orderEvents } from './order.js';

/** What a dispatcher tells, in order. */
export interface Told {
  readonly name: keyof DispatcherEvents;
  readonly event: object;
}

const TOLD = [
  ...(['lane-acquired', 'lane-released', 'lease-lost', 'delivered', 'waiting', 'halted', 'stream-halted', 'parked', 'discarded'] as const),
  ...(['resumed', 'redriven', 'outage', 'recovered', 'skipped', 'order-refused', 'removed', 'trouble'] as const),
];

interface OrderDeskOptions {
  readonly lanes?: number;
  readonly sink?: MoodySink;
  /** Of its dispatchers. */
  readonly catalogue?: DispatcherOptions['catalogue'];
}

/** Where orders are noted: an outbox in memory, and one route `memory` to a sink that can be spoilt. Time passes when a test says so. */
export class OrderDesk {
  readonly clock = new ManualClock();
  readonly database: InMemoryDatabase;
  readonly unitOfWork: UnitOfWork<InMemoryTx>;
  readonly #lanes: number;
  readonly #catalogue: DispatcherOptions['catalogue'];

  constructor({ lanes = 1, sink = new MoodySink(), catalogue = orderEvents }: OrderDeskOptions = {}) {
    this.#lanes = lanes;
    this.#catalogue = catalogue;
    this.sink = sink;
    this.database = new InMemoryDatabase({ lanes, clock: this.clock });
    this.unitOfWork = new UnitOfWork({ database: this.database, catalogue: orderEvents, clock: this.clock });
  }

  readonly sink: MoodySink;

  note(id: string, ...texts: readonly string[]): Promise<Receipt> {
    return this.unitOfWork.run(async ({ find, track }) => ((await find(Order, id)) ?? track(new Order(id))).note(...texts));
  }

  /** Ids of orders, the first so many that are on this lane. */
  idsOn(lane: number, count: number): readonly string[] {
    const ids: string[] = [];
    for (let nth = 0; ids.length < count; nth++) if (laneOf(streamHash(`order-${nth}`), this.#lanes) === lane) ids.push(String(nth));
    return ids;
  }

  /** One that its suite's `afterEach` stops. It waits for a second, two, four, and so on up to 30 between tries, of which there are three. */
  dispatcher(route: Partial<RouteOptions> = {}, options: Partial<DispatcherOptions> = {}): Dispatcher<'memory'> {
    const retry = { attempts: 3, firstMs: 1_000, maxMs: 30_000 };
    return this.dispatcherOf({ memory: { sink: this.sink, start: 'beginning', retry, ...route } }, options);
  }

  dispatcherOf<Route extends string>(
    routes: Readonly<Record<Route, RouteOptions>>,
    options: Partial<DispatcherOptions> = {},
  ): Dispatcher<Route> {
    const { database, clock } = this;
    return aDispatcher({ database, catalogue: this.#catalogue, clock, random: () => 0.999_999, pollMs: 1_000, ...options, routes });
  }

  async started(route: Partial<RouteOptions> = {}, options: Partial<DispatcherOptions> = {}): Promise<Dispatcher<'memory'>> {
    const dispatcher = this.dispatcher(route, options);
    await dispatcher.start();
    await this.clock.pass(1);
    return dispatcher;
  }

  /** What this dispatcher tells from now on. */
  listenTo(dispatcher: Dispatcher<'memory'>): Told[] {
    const told: Told[] = [];
    for (const name of TOLD) dispatcher.on(name, (event) => told.push({ name, event }));
    return told;
  }
}
