import type { Screen } from '@waybill/example-flights/screen';
import { setTimeout as delay } from 'node:timers/promises';
import type { PlannedOrder } from './customers.js';
import type { Stage } from './stage.js';
import { startMortals, vexPayments } from './trouble.js';

export interface RunOptions {
  readonly stage: Stage;
  readonly orders: readonly PlannedOrder[];
  readonly random: () => number;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

const MOST_PLACING_MS = 25_000; // all orders, however many
const SIDE_BY_SIDE = 4;
const LOOK_EVERY_MS = 500;
const STANDSTILL_MS = 60_000;

/** Places the orders while everything is in trouble, has a person decide what only a person can, and waits until all is over. */
export async function run(options: RunOptions): Promise<{ readonly durationMs: number }> {
  const { stage, orders, signal } = options;
  const failed = new AbortController();
  const within = { ...options, signal: AbortSignal.any([signal, failed.signal]) };
  const startedAt = performance.now();
  const trouble = { ...within, orders: orders.length };
  try {
    await startMortals(trouble);
    const reached = async (share: number): Promise<void> => {
      while (stage.placed < share * orders.length) await delay(20, undefined, { signal: within.signal });
    };
    const placing = placeAll(within);
    await Promise.all([placing, vexPayments(trouble, reached), untilQuiet(within, placing)]);
    return { durationMs: performance.now() - startedAt };
  } finally {
    failed.abort(); // whatever goes on of a run that failed, or is over
  }
}

async function placeAll({ stage, orders, signal }: RunOptions): Promise<void> {
  const toCome = orders.values();
  const pauseMs = SIDE_BY_SIDE * Math.min(400, MOST_PLACING_MS / orders.length);
  const customer = async (): Promise<void> => {
    for (const order of toCome) {
      await stage.order(order, signal);
      await delay(pauseMs, undefined, { signal });
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, customer));
}

async function untilQuiet({ stage, orders, screen, signal }: RunOptions, placing: Promise<void>): Promise<void> {
  let allPlaced = false;
  placing.then(() => (allPlaced = true)).catch(() => {});
  let [before, changedAt] = ['', performance.now()];
  for (;;) {
    const all = allPlaced; // before the look, which does not show what is placed later
    for (const line of await stage.decideByHand().catch(() => [])) screen.print('', `  ☝ ${line}`, '');
    const { shipped, cancelled, isQuiet } = await stage.look();
    const line = `  placed ${stage.placed} of ${orders.length}  shipped ${shipped}  cancelled ${cancelled}`;
    if (all && isQuiet) return screen.settle(line);
    screen.change(line);
    if (line !== before) [before, changedAt] = [line, performance.now()];
    if (performance.now() - changedAt > STANDSTILL_MS)
      throw new Error(`Nothing has moved for ${STANDSTILL_MS / 1_000} s:\n${(await stage.unfinished()).slice(0, 10).join('\n')}`);
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
}
