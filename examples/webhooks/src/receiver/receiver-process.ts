/** The other system, a program of its own, so that it can be killed. Ends when its parent is gone. */
import { UnitOfWork } from '@waybill/core';
import { HttpReceiver } from '@waybill/http';
import { nodeListener } from '@waybill/http/node';
import { MongoDBDatabase } from '@waybill/mongodb';
import { MongoClient } from 'mongodb';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { orderCatalogue as catalogue } from '../order-events.js';
import { SHOP } from '../order-source.js';
import { acceptAndHandleLater } from './accept-and-handle-later.js';
import { CountingIntake } from './counting-intake.js';
import { handleNow } from './handle-now.js';
import { createOrderTotals } from './order-totals.js';
import type { ReceiverOrder, ReceiverReport } from './receiver-reports.js';

const REPORT_EVERY_MS = 100;

const { mongodb, database: name, port, secrets, way } = JSON.parse(process.argv[2] ?? '') as ReceiverOrder;
const told = new AbortController();
process.once('message', () => told.abort()); // "stop"
process.once('disconnect', () => process.exit()); // the demo ended, by whatever death
process.on('SIGINT', () => {}); // a Ctrl-C is for the demo, which then ends this process

const client = new MongoClient(mongodb);
const database = new MongoDBDatabase({ client, database: name });
await database.migrate();
await createOrderTotals(client.db(name));
const unitOfWork = new UnitOfWork({ database, catalogue });
const place = { client, name, database, unitOfWork };
const wayIn = way === 'accept' ? await acceptAndHandleLater(place) : handleNow(place);
const intake = new CountingIntake(wayIn.intake);

// #region serve
const receiver = new HttpReceiver({ intake, secrets, sources: [SHOP] });
const server = createServer(nodeListener(receiver)).listen(port, '127.0.0.1');
// #endregion
await once(server, 'listening');
report({ kind: 'listening', port: (server.address() as AddressInfo).port });

while (!told.signal.aborted) {
  count();
  await delay(REPORT_EVERY_MS, undefined, { signal: told.signal }).catch(() => {});
}
server.close();
server.closeIdleConnections();
await once(server, 'close');
await wayIn.finish();
count();
await client.close();
process.disconnect();

function count(): void {
  const { taken, duplicates, failed } = intake;
  report({ kind: 'count', taken, duplicates, failed });
}

function report(message: ReceiverReport): void {
  if (process.connected) process.send?.(message);
}
