import { Dispatcher } from '@waybill/core';
import { connectTo } from './connect-to.js';
import { delivered } from './drain-once.js';
import type { MemoryReport } from './memory.js';
import { OrderPlaced } from './order.js';
import type { Address } from './shop.js';
import { TallySink } from './tally-sink.js';

const SAMPLE_MS = 20;

const [address, expected] = [JSON.parse(process.argv[2]!) as Address, Number(process.argv[3])];
const { database, close } = connectTo(address);
const sink = new TallySink();
const dispatcher = new Dispatcher({ database, catalogue: [OrderPlaced], routes: { memory: { sink, start: 'beginning' } } });

const samples: number[] = [];
const sample = (): void => void samples.push(process.memoryUsage.rss() / 2 ** 20);
const sampling = setInterval(() => sink.tally.taken > expected / 10 && sample(), SAMPLE_MS);
const done = delivered(dispatcher, expected);
await dispatcher.start();
await done;
sample();
clearInterval(sampling);
await dispatcher.stop();
await close();

const report: MemoryReport = { samples, verdict: sink.tally.verdict(expected) };
process.send!(report, () => process.disconnect());
