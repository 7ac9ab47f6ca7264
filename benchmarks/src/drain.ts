import { Dispatcher } from '@waybill/core';
import type { PostgresDatabase } from '@waybill/postgres';
import { fill } from './backlog.js';
import { drainGraphileWorker, fillGraphileWorker } from './drain-graphile-worker.js';
import { drainPgTransactionalOutbox } from './drain-pg-transactional-outbox.js';
import { atLeast } from './figure.js';
import type { Figure, Yardstick } from './figure.js';
import { OrderPlaced } from './order.js';
import { inTurn } from './rounds.js';
import type { Scratch } from './scratch.js';
import type { Sizes } from './sizes.js';
import type { Tally } from './tally.js';
import { TallySink } from './tally-sink.js';

/** A backlog to a sink that does nothing, by one dispatcher with its default batches; settled, so that a restart would not repeat it. */
export async function drain(
  { rounds, backlog, graphileBacklog, pgTransactionalBacklog }: Sizes,
  scratch: Scratch,
): Promise<readonly Figure[]> {
  const [one, eight] = [await scratch.outbox({ lanes: 1 }), await scratch.outbox({ lanes: 8 })];
  for (const { database } of [one, eight]) await fill(database, backlog);
  const tallies: Record<string, Tally> = {};

  let route = 0;
  const ours = (lanes: string, database: PostgresDatabase) => async () => {
    const { tally, rate } = await drainOnce(database, `drain-${route++}`, backlog);
    tallies[lanes] = tally;
    return rate;
  };
  const result = await inTurn(Math.min(rounds, 3), {
    one: ours('one', one.database),
    eight: ours('eight', eight.database),
    graphile: async () => {
      const graphile = await scratch.pool(); // new each time: the dead rows of a round before would slow the next
      await fillGraphileWorker(graphile, graphileBacklog);
      const { tally, rate } = await drainGraphileWorker(graphile, graphileBacklog);
      tallies['graphile'] = tally;
      return rate;
    },
  });

  const versusGraphile = (lanes: 'one' | 'eight'): Partial<Figure> => ({
    yardstick: { name: 'graphile-worker', value: result.rate('graphile'), verdict: tallies['graphile']!.verdict(graphileBacklog, false) },
    ratio: result.ratio(lanes, 'graphile'),
  });
  const line = (lanes: 'one' | 'eight', name: string) =>
    ({ section: 'drain', unit: 'messages/s', name, ours: result.rate(lanes), verdict: tallies[lanes]!.verdict(backlog) }) as const;
  const against = (yardstick: Yardstick): Partial<Figure> => ({
    yardstick,
    ...(yardstick.value !== undefined && { ratio: result.rate('eight') / yardstick.value }),
  });

  const rate = result.rate('eight');
  const pgTransactional = await drainPgTransactionalOutbox(scratch, pgTransactionalBacklog);
  return [
    { ...line('one', `${backlog}, 1 lane`), ...versusGraphile('one') },
    { ...line('eight', `${backlog}, 8 lanes`), ...versusGraphile('eight'), target: atLeast(100_000, rate, '>= 100,000/s') },
    ...pgTransactional.map((yardstick) => ({ ...line('eight', `${backlog}, 8 lanes`), ...against(yardstick) })),
  ];
}

/** A route of its own each time, from the beginning: the same rows again. */
export async function drainOnce(
  database: PostgresDatabase,
  route: string,
  backlog: number,
): Promise<{ readonly tally: Tally; readonly rate: number }> {
  const sink = new TallySink();
  const dispatcher = new Dispatcher({ database, catalogue: [OrderPlaced], routes: { [route]: { sink, start: 'beginning' } } });
  const startedAt = performance.now();
  const settled = new Promise<void>((resolve) => {
    let count = 0;
    dispatcher.on('delivered', (event) => {
      count += event.count;
      if (count >= backlog) resolve();
    });
  });
  await dispatcher.start();
  await settled;
  const rate = (backlog / (performance.now() - startedAt)) * 1_000;
  await dispatcher.stop();
  return { tally: sink.tally, rate };
}
