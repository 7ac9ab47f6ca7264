import { Cases, Consumer, Dispatcher, HandlerSink, ProcessManagers, Projections, UnitOfWork } from '@waybill/core';
import type { Database, Projector, Reached } from '@waybill/core';
import type { EventStoreDB } from '@waybill/eventstoredb';
import { orderEvents, shopCatalogue as catalogue } from '../messages.js';
import { checkout } from './checkout.js';
import type { CheckoutOptions } from './checkout.js';
import { PaymentClient } from './payment-client.js';
import { Payments } from './payments.js';
import { Release } from './release.js';

export interface ShopOptions<Tx> {
  readonly database: Database<Tx>;
  readonly orderList: Projector<Tx>;
  readonly eventstore: EventStoreDB;
  /** Address of the payment service. */
  readonly payments: string;
  /** What the orders of this run begin with. */
  readonly run: string;
  readonly times: ShopTimes;
  readonly reached?: Reached;
}

export interface ShopTimes extends Omit<CheckoutOptions, 'askPayment'> {
  /** How long what a process holds stays with it when it is gone. */
  readonly leaseMs: number;
}

/** The shop's process. Any number of them may run side by side; each may die at any time. */
export interface Shop {
  readonly unitOfWork: UnitOfWork;
  readonly managers: Pick<ProcessManagers, 'stuck' | 'settle'>;
  readonly dispatcher: Dispatcher;
  readonly cases: Cases;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Of a demo: nobody waits for long. */
const RETRY = { firstMs: 50, maxMs: 500 };

export function shopOn<Tx>({ database, orderList, eventstore, payments, run, times, reached }: ShopOptions<Tx>): Shop {
  const { leaseMs } = times;
  const client = new PaymentClient(payments);
  const askPayment = client.ofOrder.bind(client);

  // #region shop
  const unitOfWork = new UnitOfWork({ database, catalogue, reached });
  const processes = [checkout({ askPayment, ...times })];
  const managers = new ProcessManagers<Tx>({ database, unitOfWork, processes, pollMs: 200, statusTimeoutMs: 1_000 });

  // Three ways out: the checkout and the orders; money, which is slow at times and must not hold up the others; the event store.
  const decisions = new HandlerSink<Tx>({ database, unitOfWork, handlers: [managers, new Release()], reached });
  const money = new HandlerSink<Tx>({ database, unitOfWork, handlers: [new Payments(client)], reached });
  const dispatcher = new Dispatcher({
    ...{ database, catalogue, leaseMs, pollMs: 200, reached },
    routes: {
      decisions: { sink: decisions, retry: RETRY },
      money: { sink: money, retry: { ...RETRY, attempts: 50 }, onFailure: 'park-stream' },
      eventstoredb: { sink: eventstore.sink, retry: RETRY },
    },
  });

  // One way in: what the shipping service writes to the event store is told to the checkout.
  const following = { database, leaseMs, retry: RETRY, reached };
  const parcels = eventstore.subscribe({ category: `parcel-${run}` });
  const consumer = new Consumer<Tx>({ ...following, name: 'parcels', receiver: parcels, unitOfWork, handlers: [managers] });

  // And the list of orders, for people to read.
  const orders = eventstore.subscribe({ category: `order-${run}` });
  const projections = new Projections({ ...following, log: orders, catalogue: orderEvents, projections: [orderList] });
  // #endregion

  return {
    ...{ unitOfWork, managers, dispatcher, cases: new Cases({ database, by: 'ada' }) },
    async start() {
      await dispatcher.start(); // makes the routes first: what is placed before goes out too
      await Promise.all([managers.start(), consumer.start(), projections.start()]);
    },
    async stop() {
      await Promise.all([dispatcher.stop(), managers.stop(), consumer.stop(), projections.stop()]);
      await client.close();
    },
  };
}
