import { Consumer, Dispatcher, UnitOfWork } from '@waybill/core';
import type { Database, Reached } from '@waybill/core';
import type { EventStoreDB } from '@waybill/eventstoredb';
import { parcelEvents as catalogue } from '../messages.js';
import { Warehouse } from './warehouse.js';
import type { WriteLabel } from './warehouse.js';

export interface ShippingOptions<Tx> {
  readonly database: Database<Tx>;
  readonly writeLabel: WriteLabel<Tx>;
  readonly eventstore: EventStoreDB;
  readonly run: string;
  /** How long what a process holds stays with it when it is gone. */
  readonly leaseMs: number;
  readonly reached?: Reached;
}

/** The shipping service. It knows of the shop what stands in the event store. */
export interface Shipping {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Of a demo: nobody waits for long. */
const RETRY = { firstMs: 50, maxMs: 500 };

export function shippingOn<Tx>({ database, writeLabel, eventstore, run, leaseMs, reached }: ShippingOptions<Tx>): Shipping {
  // #region shipping
  const unitOfWork = new UnitOfWork({ database, catalogue, reached });
  const orders = eventstore.subscribe({ category: `order-${run}` });
  const consumer = new Consumer<Tx>({
    ...{ name: 'released-orders', receiver: orders, database, unitOfWork, handlers: [new Warehouse<Tx>(writeLabel)] },
    ...{ leaseMs, retry: RETRY, reached },
  });
  const routes = { eventstoredb: { sink: eventstore.sink, retry: RETRY } };
  const dispatcher = new Dispatcher({ database, catalogue, routes, leaseMs, pollMs: 200, reached });
  // #endregion
  return {
    async start() {
      await dispatcher.start();
      await consumer.start();
    },
    async stop() {
      await Promise.all([dispatcher.stop(), consumer.stop()]);
    },
  };
}
