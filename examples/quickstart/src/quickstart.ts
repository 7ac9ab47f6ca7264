import { Dispatcher, UnitOfWork } from '@waybill/core';
import { EventStoreDB } from '@waybill/eventstoredb';
import { PostgresDatabase } from '@waybill/postgres';
import { Pool } from 'pg';
import { Order, OrderCancelled, orderList, OrderPlaced } from './order.js';
import { startServers } from './servers.js';

const servers = await startServers();
const id = process.argv[2] ?? '7'; // on an EventStoreDB that keeps its events, an id that it does not have yet

// #region together
const pool = new Pool({ connectionString: servers.postgres });
pool.on('error', (error) => console.error(error.message)); // as with any pool of pg: without a listener, a lost connection ends the process
const database = new PostgresDatabase({ pool });
const eventstore = new EventStoreDB(servers.eventstoredb);

const catalogue = [OrderPlaced, OrderCancelled];
const unitOfWork = new UnitOfWork({ database, catalogue, history: eventstore.history, projectors: [orderList] });
const dispatcher = new Dispatcher({ database, catalogue, routes: { eventstoredb: { sink: eventstore.sink } } });
// #endregion

// #region run
await database.migrate();
await pool.query('create table order_list (stream text primary key, total_cents integer not null)');
await dispatcher.start();

const placed = await unitOfWork.run(async ({ track }) => track(new Order(id)).place('c-1', 4_200));
const listed = await pool.query('select * from order_list');
console.log('in PostgreSQL, with the commit:', listed.rows);

console.log('to EventStoreDB:', await dispatcher.delivered(placed, 'eventstoredb'));
// #endregion

// #region again
const cancelled = await unitOfWork.run(async ({ load }) => {
  const order = await load(Order, id);
  order.cancel('changed my mind');
});
await dispatcher.delivered(cancelled, 'eventstoredb');

for await (const { stream, revision, type, json } of eventstore.history.read(`order-${id}`, { from: 0n })) {
  console.log(`in EventStoreDB: ${stream}@${revision} ${type}`, json);
}
// #endregion

// #region end
await dispatcher.stop();
await eventstore.close();
await pool.end();
// #endregion
await servers.stop();
