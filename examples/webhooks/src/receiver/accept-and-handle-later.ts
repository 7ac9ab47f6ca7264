import { ArrivalLog, Dispatcher, HandlerSink } from '@waybill/core';
import { MongoDBDatabase } from '@waybill/mongodb';
import { setTimeout as delay } from 'node:timers/promises';
import { orderCatalogue as catalogue } from '../order-events.js';
import { OrderTotals } from './order-totals.js';
import type { ReceiverPlace, WayIn } from './way-in.js';

/** How long the lanes of a receiver that was killed stay with it. */
const LEASE_MS = 2_000;
const FINISH_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 50;

/** Each message is stored and answered; a dispatcher over what was stored handles it, stream by stream. */
export async function acceptAndHandleLater({ client, name, database, unitOfWork }: ReceiverPlace): Promise<WayIn> {
  // #region accept
  const arrivals = new MongoDBDatabase({ client, database: name, prefix: 'arrivals_' });
  await arrivals.migrate();
  const intake = new ArrivalLog({ name: 'orders', database: arrivals, catalogue, inOrder: true });

  const totals = new HandlerSink({ database, unitOfWork, handlers: [new OrderTotals()], kind: 'inbox' });
  const dispatcher = new Dispatcher({ database: arrivals, catalogue, routes: { totals: { sink: totals } }, leaseMs: LEASE_MS });
  await dispatcher.start();
  // #endregion
  return { intake, finish: () => finish(dispatcher) };
}

async function finish(dispatcher: Dispatcher): Promise<void> {
  const patience = AbortSignal.timeout(FINISH_WITHIN_MS);
  const waiting = async (): Promise<boolean> => (await dispatcher.lanes()).some(({ pending }) => pending > 0);
  while ((await waiting()) && !patience.aborted) await delay(LOOK_EVERY_MS);
  await dispatcher.stop();
}
