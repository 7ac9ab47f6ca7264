import { Projections, projector } from '@waybill/core';
import { EventStoreDB } from '@waybill/eventstoredb';
import { OrderPlaced } from '../order.js';
import { BATCH } from './follower-task.js';
import type { Followed, StartFollowing } from './follower-task.js';

/** A projection that follows, started anew for each part: it goes on where it was. */
export const followByOurs: StartFollowing = async ({ url, category, writes }, { database, totals }) => {
  const eventStore = new EventStoreDB(url);
  const projection = projector('totals').on(OrderPlaced, async ({ stream }, { tx }) => {
    if (writes) await totals.add(stream, tx);
  });
  const projections = new Projections({
    ...{ database, log: eventStore.subscribe({ category }), catalogue: [OrderPlaced], projections: [projection], batchSize: BATCH },
  });
  let total = 0; // with what is under way when it stops
  let looking = (): void => {};
  projections.on('advanced', ({ messages }) => {
    total += messages;
    looking();
  });
  return {
    async until(through): Promise<Followed> {
      const [before, startedAt] = [total, performance.now()];
      const enough = new Promise<void>((resolve) => (looking = () => total >= through && resolve()));
      await projections.start();
      await enough;
      const [followed, ms] = [total - before, performance.now() - startedAt];
      await projections.stop();
      return { followed, ms, total };
    },
    close: () => eventStore.close(),
  };
};
