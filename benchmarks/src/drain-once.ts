import { Dispatcher } from '@waybill/core';
import type { Database } from '@waybill/core';
import { OrderPlaced } from './order.js';
import type { Tally } from './tally.js';
import { TallySink } from './tally-sink.js';

export interface Drained {
  readonly tally: Tally;
  /** Messages a second. */
  readonly rate: number;
}

/** All of a backlog over a route of its own, from the beginning: the same messages again, if a route had them before. */
export async function drainOnce<Tx>(database: Database<Tx>, route: string, backlog: number): Promise<Drained> {
  const sink = new TallySink();
  const dispatcher = new Dispatcher({ database, catalogue: [OrderPlaced], routes: { [route]: { sink, start: 'beginning' } } });
  const startedAt = performance.now();
  const settled = delivered(dispatcher, backlog);
  await dispatcher.start();
  await settled;
  const rate = (backlog / (performance.now() - startedAt)) * 1_000;
  await dispatcher.stop();
  return { tally: sink.tally, rate };
}

/** Resolves when so many messages were accepted by the sink, and recorded. */
export async function delivered(dispatcher: Dispatcher, messages: number): Promise<void> {
  let count = 0;
  await new Promise<void>((resolve) => dispatcher.on('delivered', (event) => (count += event.count) >= messages && resolve()));
}
