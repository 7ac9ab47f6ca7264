import { Dispatcher, HandlerSink, isWaybillError, UnitOfWork } from '@waybill/core';
import type { Alarm, DispatcherOptions, Notifier } from '@waybill/core';
import { PostgresDatabase } from '@waybill/postgres';
import { Pool } from 'pg';
import { Order, OrderCancelled, OrderPlaced } from './order.js';
import { startServers } from './servers.js';
import { Shipping } from './shipping.js';

const servers = await startServers();
const pool = new Pool({ connectionString: servers.postgres });
pool.on('error', (error) => console.error(error.message));
const database = new PostgresDatabase({ pool });
await database.migrate();
await pool.query('create table shipment (stream text not null)');
const catalogue = [OrderPlaced, OrderCancelled];
const unitOfWork = new UnitOfWork({ database, catalogue });
const shipping = new Shipping();
const sink = new HandlerSink({ database, unitOfWork, handlers: [shipping] });

// #region route
const told = new Map<string, (alarm: Alarm) => void>();
const pager: Notifier = { notify: async (alarm) => told.get(alarm.kind)?.(alarm) };
const options: DispatcherOptions<'shipping'> = {
  database,
  catalogue,
  routes: { shipping: { sink, onFailure: 'park-stream', retry: { attempts: 3, firstMs: 10 } } },
  notify: pager,
};
const dispatcher = new Dispatcher(options);
// #endregion
const alarm = new Promise<Alarm>((resolve) => told.set('stream-parked', resolve));
await dispatcher.start();

// Orders 2 and 43 hash to one lane.
const place = (id: string, customerId: string) => unitOfWork.run(async ({ track }) => track(new Order(id)).place(customerId, 4_200));
const refused = await place('2', 'c-2');
const behind = await place('43', 'c-1');
console.log('order-43:', await dispatcher.delivered(behind, 'shipping'));
console.log('somebody is told:', (await alarm).title);

// #region parked
try {
  await dispatcher.delivered(refused, 'shipping');
} catch (error) {
  if (isWaybillError(error, 'PARKED')) console.log('order-2: parked at', `${error.stream}@${error.revision}`);
}
for (const { stream, state, failure } of await dispatcher.stopped('shipping')) {
  console.log(`${stream} is ${state} after ${failure.attempts} tries: ${failure.error.replace(failure.messageId, '<id>')}`);
}
// #endregion

// #region asked
const [message] = refused.messages;
const [line] = await dispatcher.messages({ messageId: message!.id });
console.log(`${line!.route}: ${line!.status}, failed ${line!.failCount} times`);
for (const { outcome, batchSize } of await dispatcher.attempts({ messageId: message!.id }))
  console.log(`  ${outcome}, in a batch of ${batchSize}`);
// #endregion

// #region redrive
shipping.customers.add('c-2'); // the cause is mended
const wouldBe = await dispatcher.redrive('shipping', { code: 'MESSAGE_REJECTED' }, { dryRun: true });
console.log('would redrive:', wouldBe.map(({ stream }) => stream).join(', '));
const redriven = new Promise<void>((resolve) => dispatcher.on('redriven', () => resolve()));
await dispatcher.redrive('shipping', { stream: 'order-2' });
await redriven;
console.log('order-2:', await dispatcher.delivered(refused, 'shipping'));
// #endregion

// #region snapshot
const snapshot = await dispatcher.snapshot();
for (const { name, lanes, running, pending, stoppedStreams } of snapshot.routes) {
  console.log(`${name}: ${running} of ${lanes} lanes running, ${pending} pending, ${stoppedStreams.total} streams stopped`);
}
// #endregion

await dispatcher.stop();
await pool.end();
await servers.stop();
