import { fill } from '../backlog.js';
import { AT_ONCE, commitsOf } from '../commit.js';
import { drainOnce } from '../drain-once.js';
import type { Figure, Verdict } from '../figure.js';
import { inTurn } from '../rounds.js';
import { rateOf } from '../side-by-side.js';
import type { Sizes } from '../sizes.js';
import { median } from '../statistics.js';
import type { MongoDBScratch } from './mongodb-scratch.js';
import type { MongoDBShop } from './mongodb-shop.js';

const LANES = 8;
const KEPT_UP = 0.95;

/** What it takes that messages get their numbers after their commit: before a drain, alone, and beside the writers. */
export async function numbering(sizes: Sizes, scratch: MongoDBScratch): Promise<readonly Figure[]> {
  return [...(await numberingBacklogs(sizes, scratch)), await numberingBesideWriters(sizes, scratch)];
}

async function numberingBacklogs({ rounds, backlog, commits }: Sizes, scratch: MongoDBScratch): Promise<readonly Figure[]> {
  const verdicts = new Map<string, Verdict>();
  const drained = async (shop: MongoDBShop, contender: string): Promise<number> => {
    const { tally, rate } = await drainOnce(shop.database, 'drain', backlog);
    verdicts.set(contender, tally.verdict(backlog));
    await shop.end(); // the next backlog is a new one
    return rate;
  };
  const filled = async (): Promise<MongoDBShop> => {
    const shop = await scratch.shop({ lanes: LANES });
    await fill(shop.database, backlog, { numbered: false });
    return shop;
  };
  const writing = await scratch.shop({ lanes: LANES });
  const write = commitsOf(writing.database);
  const numberedPerSecond: number[] = [];
  let run = 0;
  const result = await inTurn(Math.min(rounds, 3), {
    writers: () => {
      const prefix = run++;
      return rateOf(commits, AT_ONCE, (nth) => write(`${prefix}-${nth}`));
    },
    unnumbered: async () => drained(await filled(), 'unnumbered'),
    numbered: async () => {
      const shop = await filled();
      numberedPerSecond.push(await rateOf(1, 1, () => shop.database.wakeUps.pulse()).then((pulses) => pulses * backlog));
      return drained(shop, 'numbered');
    },
  });

  const line = { section: 'drain', unit: 'messages/s' };
  const alone = median(numberedPerSecond.slice(1)); // as of the others, the first does not count
  const written = commits * run;
  const isWritten = (await writing.holdings()).messages === written;
  return [
    {
      ...{ ...line, name: `${backlog}, ${LANES} lanes, numbered in the same time`, ours: result.rate('unnumbered') },
      verdict: verdicts.get('unnumbered')!,
      yardstick: { name: 'numbered before', value: result.rate('numbered'), verdict: verdicts.get('numbered')! },
      ratio: result.ratio('unnumbered', 'numbered'),
    },
    {
      ...{ ...line, name: `${backlog}, numbered and no more`, ours: alone, verdict: verdicts.get('numbered')! },
      yardstick: {
        name: `events of writers, ${AT_ONCE} at once`,
        value: result.rate('writers'),
        verdict: { right: isWritten, found: `${written} written` },
      },
      ratio: alone / result.rate('writers'),
    },
  ];
}

/** Writers at full speed, and one who numbers what they write: how much is left when they stop? */
async function numberingBesideWriters({ rounds, commits }: Sizes, scratch: MongoDBScratch): Promise<Figure> {
  const { database } = await scratch.shop({ lanes: LANES });
  const write = commitsOf(database);
  const expected = commits * rounds;
  let [numbered, writing] = [0, true];
  const numberOn = async (): Promise<void> => {
    while (writing) numbered = Number(await database.wakeUps.pulse());
  };

  const numberingOn = numberOn();
  const rate = await rateOf(expected, AT_ONCE, (nth) => write(String(nth)));
  const inTime = numbered;
  writing = false;
  await numberingOn;
  const { tally } = await drainOnce(database, 'drain', expected);

  const ratio = inTime / expected;
  return {
    ...{ section: 'drain', name: `numbered while ${AT_ONCE} at once commit`, unit: 'messages/s', ours: rate * ratio, ratio },
    verdict: tally.verdict(expected),
    yardstick: {
      name: 'their commits',
      value: rate,
      verdict: { right: true, found: `${expected - inTime} to be numbered when they stopped` },
    },
    target: { text: 'keeps up', met: ratio >= KEPT_UP },
  };
}
