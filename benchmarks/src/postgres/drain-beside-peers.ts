import { drain } from '../drain.js';
import type { Figure } from '../figure.js';
import type { Sizes } from '../sizes.js';
import { drainGraphileWorker, fillGraphileWorker } from './drain-graphile-worker.js';
import { drainPgTransactionalOutbox } from './drain-pg-transactional-outbox.js';
import type { PostgresScratch } from './postgres-scratch.js';

/** In turn with graphile-worker; pg-transactional-outbox, which takes its time, once. */
export async function drainBesidePeers(sizes: Sizes, scratch: PostgresScratch): Promise<readonly Figure[]> {
  const { graphileBacklog, pgTransactionalBacklog } = sizes;
  const [one, eight] = await drain(sizes, scratch, {
    name: 'graphile-worker',
    backlog: graphileBacklog,
    drain: async () => {
      const pool = await scratch.pool(); // new each time: the dead rows of a round before would slow the next
      await fillGraphileWorker(pool, graphileBacklog);
      return drainGraphileWorker(pool, graphileBacklog);
    },
  });
  const pgTransactional = await drainPgTransactionalOutbox(scratch, pgTransactionalBacklog);
  const { section, name, unit, ours, verdict } = eight;
  return [
    one,
    eight,
    ...pgTransactional.map((yardstick) => ({
      ...{ section, name, unit, ours, verdict, yardstick },
      ...(yardstick.value !== undefined && { ratio: ours / yardstick.value }),
    })),
  ];
}
