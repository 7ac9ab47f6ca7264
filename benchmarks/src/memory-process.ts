import { Dispatcher } from '@waybill/core';
import { PostgresDatabase } from '@waybill/postgres';
import { Pool } from 'pg';
import type { MemoryReport } from './memory.js';
import { OrderPlaced } from './order.js';
import { TallySink } from './tally-sink.js';

const SAMPLE_MS = 20;

const [url, expected] = [process.argv[2], Number(process.argv[3])];
const pool = new Pool({ connectionString: url, max: 16 });
pool.on('error', () => {});
const sink = new TallySink();
const dispatcher = new Dispatcher({
  database: new PostgresDatabase({ pool }),
  catalogue: [OrderPlaced],
  routes: { memory: { sink, start: 'beginning' } },
});

const samples: number[] = [];
const sample = (): void => void samples.push(process.memoryUsage.rss() / 2 ** 20);
const sampling = setInterval(() => sink.tally.taken > expected / 10 && sample(), SAMPLE_MS);
let settled = 0;
const done = new Promise<void>((resolve) => dispatcher.on('delivered', ({ count }) => (settled += count) >= expected && resolve()));
await dispatcher.start();
await done;
sample();
clearInterval(sampling);
await dispatcher.stop();
await pool.end();

const report: MemoryReport = { samples, verdict: sink.tally.verdict(expected) };
process.send!(report, () => process.disconnect());
