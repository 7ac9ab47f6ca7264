import { Dispatcher, HandlerSink, UnitOfWork } from '@waybill/core';
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

// #region route
const catalogue = [OrderPlaced, OrderCancelled];
const unitOfWork = new UnitOfWork({ database, catalogue });
const shipping = new Shipping();
const sink = new HandlerSink({ database, unitOfWork, handlers: [shipping] });
const routes = { shipping: { sink, retry: { attempts: 3, firstMs: 10 } } };
const dispatcher = new Dispatcher({ database, catalogue, routes });
// #endregion
const firstHalt = new Promise<void>((resolve) => dispatcher.on('halted', () => resolve()));
await dispatcher.start();

// Orders 2 and 43 hash to one lane, order 1 to another.
const place = (id: string, customerId: string) => unitOfWork.run(async ({ track }) => track(new Order(id)).place(customerId, 4_200));
const refused = await place('2', 'c-2');
const behind = await place('43', 'c-1');
const elsewhere = await place('1', 'c-1');

await firstHalt;
await dispatcher.delivered(elsewhere, 'shipping');
console.log('order-1 is shipped; order-2 is refused, and order-43 waits behind it:');

// #region halted
const halted = (await dispatcher.lanes()).filter(({ state }) => state === 'halted');
for (const { route, lane, pending, failure } of halted) {
  console.log(`${route}/${lane}: ${pending} waiting, the first ${failure?.stream}@${failure?.revision}, tried ${failure?.attempts} times`);
  console.log(failure?.error.replace(failure.messageId, '<id>'));
}
// #endregion

await dispatcher.stop();
const next = new Dispatcher({ database, catalogue, routes });
await next.start();
console.log('after a restart it is', (await next.lanes()).find(({ lane }) => lane === halted[0]?.lane)?.state);

// #region resume
shipping.customers.add('c-2'); // the cause is mended
await next.resume('shipping');
console.log('order-2:', await next.delivered(refused, 'shipping'));
console.log('order-43:', await next.delivered(behind, 'shipping'));
// #endregion

const secondHalt = new Promise<void>((resolve) => next.on('halted', () => resolve()));
const hopeless = await place('3', 'c-3');
await secondHalt;
// #region skip
const [stopped] = (await next.lanes()).filter(({ state }) => state === 'halted');
await next.skip('shipping', stopped!.failure!.messageId, 'c-3 closed the account; refunded by hand');
console.log('order-3:', await next.delivered(hopeless, 'shipping'));
// #endregion

const { rows } = await pool.query<{ stream: string }>('select stream from shipment order by stream');
console.log('shipped:', rows.map(({ stream }) => stream).join(', '));
await next.stop();
await pool.end();
await servers.stop();
