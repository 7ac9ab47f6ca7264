import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Database } from '@waybill/core';
import { awaitArrivals, machineNow } from './arrivals.js';
import type { Arrivals, Awaiting } from './arrivals.js';
import { AT_ONCE, commitsOf } from './commit.js';
import { atMost } from './figure.js';
import type { Figure, Verdict } from './figure.js';
import type { Scratch } from './scratch.js';
import type { Address } from './shop.js';
import { rateOf } from './side-by-side.js';
import type { Sizes } from './sizes.js';
import { quantile } from './statistics.js';

/**
 * From the moment a commit is answered to the moment its message is handed to the sink, at a fixed rate that does not wait for slow
 * commits. A message that is handed over before its writer hears of the commit counts as 0.
 */
export async function latency<Tx>({ latencyMs, commits }: Sizes, scratch: Scratch<Tx>): Promise<readonly Figure[]> {
  const { database, address } = await scratch.shop();
  const { perSecond, p50Ms, p99Ms } = scratch.targets.latency;
  const rate = { perSecond, ms: latencyMs };
  // A process that is not warm yet falls behind the rate, and what is measured then is its queue.
  const commit = commitsOf(database);
  await rateOf(commits, AT_ONCE, (nth) => commit(`warm-${nth}`));
  const here = await measure(database, await awaitArrivals(database as Database, 'here'), { ...rate, prefix: 'here' });
  const elsewhere = await measure(database, await awaitElsewhere(address, 'elsewhere'), { ...rate, prefix: 'elsewhere' });

  return [
    { name: 'dispatcher in the same process', ...here },
    { name: `dispatcher in another process, woken by ${scratch.words.wokenBy}`, ...elsewhere },
  ].flatMap(({ name, waits, verdict, slowestStart }) =>
    [[0.5, p50Ms] as const, [0.99, p99Ms] as const].map(([share, limit]) => {
      const ours = quantile(waits, share);
      return {
        section: 'latency',
        name: `commit to sink, ${perSecond}/s, p${share * 100}, ${name}`,
        unit: 'ms',
        ours,
        verdict: { ...verdict, found: `${verdict.found}; writers up to ${slowestStart.toFixed(0)} ms behind the rate` },
        target: limit === undefined ? undefined : atMost(limit, ours, `<= ${limit} ms`),
      };
    }),
  );
}

/** In a process that shares nothing with this one but the database. */
async function awaitElsewhere(address: Address, route: string): Promise<Awaiting> {
  const child = fork(fileURLToPath(new URL('arrivals-process.js', import.meta.url)), [JSON.stringify(address), route], {
    serialization: 'advanced',
  });
  await once(child, 'message');
  return {
    until: async (messages) => {
      child.send(messages);
      const [found] = (await once(child, 'message')) as [Arrivals];
      await once(child, 'exit');
      return found;
    },
  };
}

interface Rate {
  readonly perSecond: number;
  readonly ms: number;
  /** Of the streams' names. */
  readonly prefix: string;
}

interface Waited {
  readonly waits: readonly number[];
  readonly verdict: Verdict;
  /** How late a commit began at worst: where this is much, the machine did not keep up with the rate. */
  readonly slowestStart: number;
}

async function measure<Tx>(database: Database<Tx>, arrivals: Awaiting, { perSecond, ms, prefix }: Rate): Promise<Waited> {
  const commit = commitsOf(database);
  const committedAt = new Map<string, number>();
  const startedAt = performance.now();
  const total = (perSecond * ms) / 1_000;
  let slowestStart = 0;
  const commits: Promise<void>[] = [];
  for (let begun = 0; begun < total; await pause(1)) {
    for (const due = Math.min(total, ((performance.now() - startedAt) * perSecond) / 1_000); begun < due; begun++) {
      slowestStart = Math.max(slowestStart, performance.now() - startedAt - (begun * 1_000) / perSecond);
      const id = `${prefix}-${begun}`;
      commits.push(commit(id).then(() => void committedAt.set(`order-${id}`, machineNow())));
    }
  }
  await Promise.all(commits);
  const { takenAt, doubled } = await arrivals.until(total);

  const waits = [...committedAt].map(([stream, at]) => Math.max(0, (takenAt.get(stream) ?? Infinity) - at));
  const right = takenAt.size === total && doubled === 0;
  return {
    waits,
    slowestStart,
    verdict: { right, found: right ? `${total} once` : `${takenAt.size} of ${total} arrived, ${doubled} doubled` },
  };
}
