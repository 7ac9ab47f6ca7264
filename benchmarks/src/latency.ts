import { setTimeout as pause } from 'node:timers/promises';
import { Dispatcher, UnitOfWork } from '@waybill/core';
import type { Delivery, OutboxMessage, Sink } from '@waybill/core';
import { PostgresDatabase } from '@waybill/postgres';
import { atMost } from './figure.js';
import type { Figure, Verdict } from './figure.js';
import { Order, OrderPlaced } from './order.js';
import type { Scratch } from './scratch.js';
import type { Sizes } from './sizes.js';
import { quantile } from './statistics.js';

const PER_SECOND = 1_000;

/**
 * From the moment a commit is answered to the moment its message is handed to the sink, at a fixed rate that does not wait for slow
 * commits. A message that is handed over before its writer hears of the commit counts as 0.
 */
export async function latency({ latencyMs }: Sizes, scratch: Scratch): Promise<readonly Figure[]> {
  const { pool, database } = await scratch.outbox();
  // A second object shares nothing with the first but the database, as another process would: it hears of commits by NOTIFY.
  const elsewhere = new PostgresDatabase({ pool: await scratch.pool(16, pool.options.connectionString) });
  const figures: Figure[] = [];
  for (const [name, dispatching] of [
    ['dispatcher in the same process', database],
    ['dispatcher woken by NOTIFY', elsewhere],
  ] as const) {
    const { waits, verdict, slowestStart } = await measure(database, dispatching, name, latencyMs);
    const line = {
      section: 'latency',
      unit: 'ms',
      verdict: { ...verdict, found: `${verdict.found}; writers up to ${slowestStart.toFixed(0)} ms behind the rate` },
    };
    for (const [share, limit] of [
      [0.5, 5],
      [0.99, 25],
    ] as const) {
      const ours = quantile(waits, share);
      figures.push({
        ...line,
        name: `commit to sink, ${PER_SECOND}/s, p${share * 100}, ${name}`,
        ours,
        target: atMost(limit, ours, `<= ${limit} ms`),
      });
    }
  }
  return figures;
}

interface Measured {
  readonly waits: readonly number[];
  readonly verdict: Verdict;
  /** How late a commit began at worst: where this is much, the machine did not keep up with the rate. */
  readonly slowestStart: number;
}

async function measure(committing: PostgresDatabase, dispatching: PostgresDatabase, route: string, ms: number): Promise<Measured> {
  const [committedAt, takenAt] = [new Map<string, number>(), new Map<string, number>()];
  let doubled = 0;
  const sink: Sink = {
    async deliver(batch: readonly OutboxMessage[]): Promise<Delivery> {
      const now = performance.now();
      for (const { stream } of batch) {
        if (takenAt.has(stream)) doubled++;
        takenAt.set(stream, now);
      }
      return { accepted: batch.length };
    },
  };
  const dispatcher = new Dispatcher({ database: dispatching, catalogue: [OrderPlaced], routes: { [route]: { sink, start: 'now' } } });
  await dispatcher.start();
  await pause(200);
  const unitOfWork = new UnitOfWork({ database: committing, catalogue: [OrderPlaced] });

  const startedAt = performance.now();
  const total = (PER_SECOND * ms) / 1_000;
  let slowestStart = 0;
  const commits: Promise<void>[] = [];
  for (let begun = 0; begun < total; await pause(1)) {
    for (const due = Math.min(total, ((performance.now() - startedAt) * PER_SECOND) / 1_000); begun < due; begun++) {
      slowestStart = Math.max(slowestStart, performance.now() - startedAt - (begun * 1_000) / PER_SECOND);
      const order = new Order(`${route}-${begun}`);
      commits.push(
        unitOfWork.run(async ({ track }) => void track(order.place())).then(() => void committedAt.set(order.stream, performance.now())),
      );
    }
  }
  await Promise.all(commits);
  for (let waited = 0; takenAt.size < total && waited < 5_000; waited += 20) await pause(20);
  await dispatcher.stop();

  const waits = [...committedAt].map(([stream, at]) => Math.max(0, (takenAt.get(stream) ?? Infinity) - at));
  const right = takenAt.size === total && doubled === 0;
  return {
    waits,
    slowestStart,
    verdict: { right, found: right ? `${total} once` : `${takenAt.size} of ${total} arrived, ${doubled} doubled` },
  };
}
