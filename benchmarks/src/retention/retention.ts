import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { thisMachine } from '../machine.js';
import { startDurablePostgres } from '../postgres/postgres-scratch.js';
import { chunks } from './chunks.js';
import type { Contender } from './contender.js';
import { partitions } from './partitions.js';
import { writeBeside } from './writers.js';
import type { Written } from './writers.js';

// How delivered rows should leave: what it takes, what is left of the table, and what a writer beside it notices; alone, and while a reader
// is idle in a transaction that has read the table.
const { values } = parseArgs({ options: { rows: { type: 'string', default: '200000' }, 'give-up-s': { type: 'string', default: '20' } } });
const rows = Number(values.rows);
const giveUpMs = Number(values['give-up-s']) * 1_000;

const machine = thisMachine();
console.log(`${machine.date}: ${machine.hardware}, load ${machine.load.toFixed(1)}; ${rows} rows`);
const server = await startDurablePostgres();
console.log(server.description);
try {
  for (const make of [chunks, partitions]) await server.within(async (scratch) => measure(make(await scratch.pool(16))));
} finally {
  await server.stop();
}

async function measure(contender: Contender): Promise<void> {
  console.log(`\n${contender.name}`);
  await contender.fill(rows);
  const before = await contender.size();
  tell('writers alone', await writeBeside(contender.commit, () => pause(3_000)));

  const { result, ...beside } = await removal(contender, 2.5);
  tell(`removing ${words(result)}`, beside);
  const after = await contender.size();
  await contender.vacuum();
  const vacuumed = await contender.size();
  await contender.refill((rows / 5) * 2);
  const again = await contender.size();
  console.log(
    `  size: ${before.toFixed(0)} MB, removed ${after.toFixed(0)} MB, vacuumed ${vacuumed.toFixed(0)} MB, as many rows again ${again.toFixed(0)} MB`,
  );

  const leave = await contender.idle();
  const { result: idle, ...besideIdle } = await removal(contender, 1);
  tell(`removing ${words(idle)} with an idle reader`, besideIdle);
  console.log(`  size: ${(await contender.size()).toFixed(0)} MB while the reader stays`);
  await leave();
}

interface Removed {
  readonly rows: number;
  readonly done: boolean;
  readonly seconds: number;
}

function removal(contender: Contender, days: number): Promise<Written & { readonly result: Removed }> {
  return writeBeside(contender.commit, async () => {
    const [startedAt, signal] = [performance.now(), AbortSignal.timeout(giveUpMs * (days > 2 ? 100 : 1))];
    const removed = await contender.remove(days, signal);
    return { ...removed, seconds: (performance.now() - startedAt) / 1_000 };
  });
}

function words({ rows: gone, done, seconds }: Removed): string {
  return `${gone} rows ${done ? `in ${seconds.toFixed(1)} s` : `and no more in ${seconds.toFixed(1)} s`}`;
}

function tell(what: string, { perSecond, p99Ms, longestMs }: Written): void {
  console.log(`  ${what}: ${perSecond.toFixed(0)} commits/s, p99 ${p99Ms.toFixed(1)} ms, longest ${longestMs.toFixed(0)} ms`);
}
