/**
 * A program of its own, so that it can be killed: takes what arrives, in one of several roles, and prints what it tells as lines of JSON. Ends
 * when it is told to, and when its parent is gone; or itself, at the moment that it was given.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, SubscriptionAdvance, SubscriptionLease } from '@waybill/core';
import { isWaybillError } from '@waybill/core';
import { EventStoreDB } from '@waybill/eventstoredb';
import { openDatabase } from '../open-database.js';
import type { ArrivingMoment, ArrivingOrder } from './arriving-order.js';
import { diaryOn } from './diary.js';
import type { Means } from './handlers.js';
import { roles } from './roles.js';
import { payAt } from './till.js';

const order = JSON.parse(process.argv[2] ?? '') as ArrivingOrder;
const told = new AbortController();
process.once('message', () => told.abort()); // "stop"
process.once('disconnect', () => process.exit());

const moments = new Map<ArrivingMoment, number>();
const { role, instance, till, ending, effectsApart } = order;
const opened = await openDatabase(order.database);
const eventstore = new EventStoreDB(order.eventstoredb, { appendTimeoutMs: 1_000, readTimeoutMs: 1_000 });
const diary = diaryOn(order.database.kind);
const { transactions } = opened.database;
const write: Means['write'] = (entry, tx) => {
  const signed = { ...entry, by: instance };
  return effectsApart ? transactions.run((another) => diary.write(signed, another)) : diary.write(signed, tx);
};
const pay: Means['pay'] = (key, { mayBeRepeat, signal }) => payAt(till, { key, mayBeRepeat, by: instance }, signal);
const database = watched(opened.database);
const running = roles[role]({ order, database, eventstore, write, pay, reached, print });

await started();
print('started', {});
if (!told.signal.aborted) await new Promise((resolve) => told.signal.addEventListener('abort', resolve, { once: true }));
await running.stop();
await eventstore.close();
await opened.close();
process.disconnect();

/** A process manager would start it again and again while the database is busy with its predecessor's end; that takes longer. */
async function started(): Promise<void> {
  while (!told.signal.aborted) {
    try {
      return await running.start();
    } catch (error) {
      if (!isWaybillError(error, 'DATABASE_UNAVAILABLE') && !isWaybillError(error, 'TRANSACTION_CONFLICT')) throw error;
      print('trouble', { doing: 'starting', error });
      await sleep(50);
    }
  }
}

function reached(moment: ArrivingMoment): void | Promise<void> {
  moments.set(moment, (moments.get(moment) ?? 0) + 1);
  if (moment !== ending?.moment || moments.get(moment) !== ending.nth) return;
  print('ending', { moment });
  process.kill(process.pid, ending.by === 'kill' ? 'SIGKILL' : 'SIGSTOP');
  return ending.by === 'kill' ? new Promise(() => {}) : sleep(50).then(() => print('thawed', {})); // the signal is on its way
}

/** The database, with the moment at which a position is moved on and not committed. */
function watched(real: Database): Database {
  const advance = async (lease: SubscriptionLease, step: SubscriptionAdvance, tx: unknown): Promise<void> => {
    await real.subscriptions.advance(lease, step, tx);
    if (step.messages > 0) await reached('advanced');
  };
  return having(real, { subscriptions: having(real.subscriptions, { advance }) });
}

/** The same with members of one's own. */
function having<Target extends object>(target: Target, own: Partial<Target>): Target {
  return new Proxy(target, {
    get: (_target, name) => {
      if (name in own) return own[name as keyof Target];
      const part: unknown = Reflect.get(target, name, target);
      return typeof part === 'function' ? (part.bind(target) as unknown) : part;
    },
  });
}

function print(name: string, event: object): void {
  const asText = (_key: string, value: unknown): unknown =>
    typeof value === 'bigint' ? Number(value) : value instanceof Error ? String(value) : value;
  writeSync(1, `${JSON.stringify({ at: Date.now(), name, ...event }, asText)}\n`);
}
