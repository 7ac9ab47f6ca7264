import { EventStoreDBClient, streamNameFilter } from '@eventstore/db-client';
import { BATCH } from './follower-task.js';
import type { Followed, StartFollowing } from './follower-task.js';

/** The same by hand: no lease, no fence, nothing about what fails. */
export const followByHand: StartFollowing = async ({ url, category, writes }, { totals }) => {
  const client = EventStoreDBClient.connectionString(url);
  const filter = streamNameFilter({ prefixes: [`${category}-`] });
  let total = 0;
  return {
    async until(through): Promise<Followed> {
      const startedAt = performance.now();
      const place = await totals.placeByHand();
      const fromPosition = place === undefined ? 'start' : { commit: place, prepare: place };
      const before = total;
      let batch: string[] = [];
      for await (const { event } of client.subscribeToAll({ fromPosition, filter })) {
        batch.push(event!.streamId);
        if (batch.length < BATCH && total + batch.length < through) continue;
        await totals.commitByHand(writes ? batch : [], event!.position.commit);
        total += batch.length;
        batch = [];
        if (total >= through) break;
      }
      return { followed: total - before, ms: performance.now() - startedAt, total };
    },
    close: () => client.dispose(),
  };
};
