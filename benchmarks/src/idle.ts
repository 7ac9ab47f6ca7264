import { setTimeout as pause } from 'node:timers/promises';
import { Dispatcher } from '@waybill/core';
import type { Figure } from './figure.js';
import { fill } from './backlog.js';
import { OrderPlaced } from './order.js';
import type { Scratch } from './scratch.js';
import type { Shop } from './shop.js';
import type { Sizes } from './sizes.js';
import { TallySink } from './tally-sink.js';

const MESSAGES = 100;
const SETTLE_MS = 3_000;

/** Statements a second of a dispatcher with 16 lanes that has nothing to do: in a database at rest, and in one that others write to. */
export async function idle<Tx>({ idleMs }: Sizes, scratch: Scratch<Tx>): Promise<readonly Figure[]> {
  const shop = await scratch.shop({ lanes: 16, counts: true });
  await fill(shop.database, MESSAGES);
  const sink = new TallySink();
  const { atRest, amongOthers } = await whileIdle(shop, idleMs, sink, async () => ({
    atRest: await sentPerSecond(shop, idleMs),
    amongOthers: await besideOthers(shop, () => sentPerSecond(shop, idleMs)),
  }));

  const line = { section: 'idle', unit: `${scratch.words.sent}/s`, verdict: sink.tally.verdict(MESSAGES) };
  return [
    { ...line, name: '16 lanes, database at rest', ours: atRest },
    { ...line, name: '16 lanes, 100 foreign commits/s', ours: amongOthers },
  ];
}

/** Beside a dispatcher that has delivered everything. */
export async function whileIdle<Tx, Result>(
  { database }: Shop<Tx>,
  idleMs: number,
  sink: TallySink,
  act: () => Promise<Result>,
): Promise<Result> {
  const dispatcher = new Dispatcher({ database, catalogue: [OrderPlaced], routes: { idle: { sink, start: 'beginning' } } });
  await dispatcher.start();
  await pause(Math.min(SETTLE_MS, idleMs));
  try {
    return await act();
  } finally {
    await dispatcher.stop();
  }
}

export async function sentPerSecond<Tx>(shop: Shop<Tx>, ms: number): Promise<number> {
  const [before, startedAt] = [shop.sent(), performance.now()];
  await pause(ms);
  return ((shop.sent() - before) / (performance.now() - startedAt)) * 1_000;
}

async function besideOthers<Tx>(shop: Shop<Tx>, act: () => Promise<number>): Promise<number> {
  let writing = true;
  const others = (async () => {
    for (; writing; await pause(10)) await shop.commitSomethingElse();
  })();
  const found = await act();
  writing = false;
  await others;
  return found;
}
