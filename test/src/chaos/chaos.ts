/** `npm run chaos`: bad days, one after the other, on each database, until the time is over or enough processes were killed. */
import { parseArgs } from 'node:util';
import { startServer } from './chaos-server.js';
import type { ChaosServer } from './chaos-server.js';
import type { DatabaseKind } from './dispatcher-order.js';
import { isKept, reportOf } from './outcome.js';
import type { Outcome } from './outcome.js';
import { Scene } from './scene.js';
import { SeededRandom } from './seeded-random.js';
import { storm } from './storm.js';

const { seed, minutes, kills: killsWanted, databases } = optionsOf(process.argv.slice(2));
const KILLS_A_DAY = 25;
const DAY_MS = 30_000;
const TELL_EVERY_MS = 5_000;

const startedAt = performance.now();
const totals = new Map<DatabaseKind, Record<'days' | 'kills' | 'committed' | 'duplicates' | 'late' | 'takeOvers' | 'broken', number>>();
const servers = await Promise.all(databases.map((kind) => startServer(kind)));
for (const { description } of servers) console.log(`with ${description}`);
console.log(`seed ${seed}`);
try {
  for (let day = 0; !isOver(); day++) {
    const server = servers[day % servers.length]!;
    const outcome = await badDay(server, seed + day);
    count(server.kind, outcome);
    console.log(`${server.kind}, seed ${seed + day}: ${reportOf(outcome)}`);
  }
} finally {
  for (const server of servers) await server.stop();
}
for (const [kind, total] of totals) {
  const { broken, ...figures } = total;
  const list = Object.entries(figures).map(([name, value]) => `${value} ${name === 'takeOvers' ? 'take-overs' : name}`);
  console.log(`${kind}: ${broken === 0 ? 'every promise was kept' : `${broken} days BROKEN`} (${list.join(', ')})`);
}
process.exitCode = [...totals.values()].some(({ broken }) => broken > 0) ? 1 : 0;

async function badDay(server: ChaosServer, daySeed: number): Promise<Outcome> {
  const scene = await Scene.open({ server, random: new SeededRandom(daySeed) });
  const telling = setInterval(() => {
    const { kills, writers, log } = scene;
    console.log(`  ${kills} kills, ${writers.committed} commits, ${log.acceptedIds.size} messages seen, ${log.deliveries.length} batches`);
  }, TELL_EVERY_MS);
  try {
    await storm(scene, { kills: KILLS_A_DAY, maxMs: DAY_MS });
    return await scene.end();
  } finally {
    clearInterval(telling);
    await scene.close();
  }
}

function count(kind: DatabaseKind, outcome: Outcome): void {
  const total = totals.get(kind) ?? { days: 0, kills: 0, committed: 0, duplicates: 0, late: 0, takeOvers: 0, broken: 0 };
  const { committed, duplicates, late, takeOvers } = outcome.verdict;
  totals.set(kind, {
    ...{ days: total.days + 1, kills: total.kills + outcome.kills, committed: total.committed + committed },
    ...{ duplicates: total.duplicates + duplicates, late: total.late + late, takeOvers: total.takeOvers + takeOvers },
    broken: total.broken + (isKept(outcome) ? 0 : 1),
  });
}

function isOver(): boolean {
  if (minutes !== undefined) return performance.now() - startedAt >= minutes * 60_000;
  return [...totals.values()].reduce((sum, { kills }) => sum + kills, 0) >= killsWanted;
}

function optionsOf(args: readonly string[]): { seed: number; minutes?: number; kills: number; databases: readonly DatabaseKind[] } {
  const { values } = parseArgs({
    args: [...args],
    options: { seed: { type: 'string' }, minutes: { type: 'string' }, kills: { type: 'string' }, database: { type: 'string' } },
  });
  const { database } = values;
  if (database !== undefined && database !== 'postgres' && database !== 'mongodb')
    throw new Error(`--database is "${database}"; choose postgres or mongodb, or leave it out for both.`);
  return {
    seed: values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed),
    ...(values.minutes !== undefined && { minutes: Number(values.minutes) }),
    kills: values.kills === undefined ? 1_000 : Number(values.kills),
    databases: database === undefined ? ['postgres', 'mongodb'] : [database],
  };
}
