import { setTimeout as pause } from 'node:timers/promises';
import { Dispatcher, UnitOfWork } from '@waybill/core';
import type { Figure } from './figure.js';
import { readNaively } from './naive-outbox.js';
import { OrderPlaced, PAYLOAD } from './order.js';
import type { Scratch } from './scratch.js';
import type { Sizes } from './sizes.js';
import { TallySink } from './tally-sink.js';

const WRITERS = 16;
const KEYS = 40;

/**
 * Why the naive outbox is fast: writers that do a little work between their insert and their commit, and a reader that follows the
 * numbers. Both get the same race; what counts is what the reader never saw.
 */
export async function race<Tx>({ raceMs }: Sizes, scratch: Scratch<Tx>): Promise<readonly Figure[]> {
  const shop = await scratch.shop();
  const { database, naive } = shop;
  const aLittleWork = (): Promise<void> => pause(Math.random() * 10);

  const over = new AbortController();
  const reading = readNaively(naive, over.signal);
  const committed = await writeFor(raceMs, (nth) => naive.commit(`naive-${nth}`, `key-${nth % KEYS}`, aLittleWork));
  over.abort();
  const seen = await reading;

  const sink = new TallySink();
  const dispatcher = new Dispatcher({ database, catalogue: [OrderPlaced], routes: { race: { sink } } });
  await dispatcher.start();
  const reached = async (moment: string): Promise<void> => (moment === 'appended' ? aLittleWork() : undefined);
  const unitOfWork = new UnitOfWork({ database, catalogue: [OrderPlaced], reached });
  const ours = await writeFor(raceMs, (nth) =>
    unitOfWork.run(async ({ tx, append }) => {
      await shop.insertOrder(`ours-${nth}`, tx);
      append(String(nth % KEYS), OrderPlaced(PAYLOAD));
    }),
  );
  for (let waited = 0; sink.tally.taken < ours && waited < 5_000; waited += 20) await pause(20);
  await dispatcher.stop();

  const lost = (sent: number, taken: number): number => (100 * (sent - taken)) / sent;
  const naiveLost = lost(committed, seen.size);
  return [
    {
      section: 'commit',
      name: 'lost by the reader in a race',
      unit: '%',
      ours: lost(ours, sink.tally.taken),
      verdict: sink.tally.verdict(ours),
      yardstick: {
        name: scratch.words.naive,
        value: naiveLost,
        verdict: { right: naiveLost === 0, found: `its reader never saw ${committed - seen.size} of ${committed}` },
      },
      target: { text: '0 %', met: sink.tally.taken === ours },
    },
  ];
}

/** @returns how many were committed */
async function writeFor(ms: number, commit: (nth: number) => Promise<unknown>): Promise<number> {
  const until = performance.now() + ms;
  let next = 0;
  const writer = async (): Promise<void> => {
    while (performance.now() < until) await commit(next++);
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  return next;
}
