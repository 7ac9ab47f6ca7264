/**
 * A program of its own, so that it can be killed: runs a dispatcher with two routes, and prints what it tells as lines of JSON. Ends when
 * it is told to, and when its parent is gone.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Dispatcher, isWaybillError } from '@waybill/core';
import type { DispatcherEvents } from '@waybill/core';
import { EventStoreDB } from '@waybill/eventstoredb';
import { CrashPoints } from '@waybill/testing';
import { orderEvents } from '../shop/order.js';
import type { DispatcherOrder } from './dispatcher-order.js';
import { LogSink } from './log-sink.js';
import { openDatabase } from './open-database.js';

const order = JSON.parse(process.argv[2] ?? '') as DispatcherOrder;
const told = new AbortController();
process.once('message', () => told.abort()); // "stop"
process.once('disconnect', () => process.exit());

const { instance, leaseMs, batchSize, crashAt, hoggedPool } = order;
const opened = await openDatabase(order.database, hoggedPool);
const eventstore = new EventStoreDB(order.eventstoredb, { appendTimeoutMs: 1_000, readTimeoutMs: 1_000 });
const route = { retry: { firstMs: 20, maxMs: 200 }, batch: { size: batchSize }, start: 'beginning' } as const;
const crash = new CrashPoints();
if (crashAt) crash.killAt(crashAt.moment, crashAt);
const dispatcher = new Dispatcher({
  ...{ database: opened.database, catalogue: orderEvents, instance, leaseMs, reached: crash.reached },
  ...{ pollMs: leaseMs / 3, stopWithinMs: 2_000 },
  routes: {
    eventstoredb: { ...route, sink: eventstore.sink },
    log: { ...route, sink: new LogSink(order.log, instance) },
  },
});

const names = ['lane-acquired', 'lane-released', 'lease-lost', 'delivered', 'waiting', 'halted', 'trouble'] as const;
for (const name of names) dispatcher.on(name, (event) => print(name, event));
await started();
print('started', {});
const letGo = hoggedPool === undefined ? () => {} : opened.hog();
if (!told.signal.aborted) await new Promise((resolve) => told.signal.addEventListener('abort', resolve, { once: true }));
letGo();
await dispatcher.stop();
await eventstore.close();
await opened.close();
process.disconnect();

/** A process manager would start it again and again while the database is away; that takes longer. */
async function started(): Promise<void> {
  while (!told.signal.aborted) {
    try {
      return await dispatcher.start();
    } catch (error) {
      if (!isWaybillError(error, 'DATABASE_UNAVAILABLE')) throw error;
      print('trouble', { doing: 'starting', error });
      await sleep(50);
    }
  }
}

function print(name: string, event: Partial<DispatcherEvents['halted'] & DispatcherEvents['trouble']> | object): void {
  const asText = (_key: string, value: unknown): unknown =>
    typeof value === 'bigint' ? Number(value) : value instanceof Error ? String(value) : value;
  writeSync(1, `${JSON.stringify({ at: Date.now(), name, ...event }, asText)}\n`);
}
