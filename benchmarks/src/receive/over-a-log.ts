import { EventStoreDBClient } from '@eventstore/db-client';
import { Consumer, UnitOfWork } from '@waybill/core';
import { EventStoreDB } from '@waybill/eventstoredb';
import { withFilledLog } from '../eventstoredb/filled-log.js';
import { atLeast } from '../figure.js';
import type { Figure, Verdict } from '../figure.js';
import { OrderPlaced } from '../order.js';
import { inTurn } from '../rounds.js';
import type { Scratch } from '../scratch.js';
import type { Sizes } from '../sizes.js';
import { once } from './behind-claims.js';
import { HandlesNothing } from './handles-nothing.js';

/** An empty handler over a stream, a message after the other: against reading it raw, with a claim by hand for each message. */
export async function overALog<Tx>({ rounds, handledMessages }: Sizes, scratch: Scratch<Tx>): Promise<readonly Figure[]> {
  return withFilledLog({ events: handledMessages, streams: 1 }, async ({ url, stream, each, server }) => {
    const [{ database }, { inboxByHand }] = [await scratch.shop(), await scratch.shop()];
    const eventStore = new EventStoreDB(url);
    const client = EventStoreDBClient.connectionString(url);
    const nothing = new HandlesNothing();
    const unitOfWork = new UnitOfWork({ database, catalogue: [OrderPlaced] });
    let round = 0;
    const ours = async (): Promise<number> => {
      const consumer = new Consumer({
        ...{
          name: `bench-${round++}`,
          receiver: eventStore.subscribe({ stream }),
          database,
          unitOfWork,
          handlers: [nothing] as readonly object[],
        },
      });
      let handled = 0;
      const done = new Promise<void>((resolve) => consumer.on('advanced', ({ messages }) => (handled += messages) >= each && resolve()));
      const startedAt = performance.now();
      await consumer.start();
      await done;
      const rate = (each / (performance.now() - startedAt)) * 1_000;
      await consumer.stop();
      return rate;
    };
    let [byHandRounds, byHandHandled] = [0, 0];
    const byHand = async (): Promise<number> => {
      const thisRound = byHandRounds++;
      let left = each;
      const startedAt = performance.now();
      for await (const { event } of client.subscribeToStream(stream)) {
        // The same stream in each round: the ids are made others.
        if (await inboxByHand.inTransaction(`${thisRound} ${event!.id}`)) byHandHandled++;
        if (--left === 0) break;
      }
      return (each / (performance.now() - startedAt)) * 1_000;
    };
    try {
      const result = await inTurn(Math.min(rounds, 5), { ours, byHand });
      const ratio = result.ratio('ours', 'byHand');
      const moved = (await database.subscriptions.all()).map(({ messages, position }) => [Number(messages), Number(position) + 1]);
      const agreed: Verdict = moved.flat().every((count) => count === each)
        ? once(each * round, { calls: nothing.calls })
        : { right: false, found: `of ${each} in each round: ${moved.map((counts) => counts.join(' at ')).join(', ')}` };
      return [
        {
          ...{ section: 'receive', name: `a consumer over a stream of ${server}, empty handler`, unit: 'messages/s' },
          ...{ ours: result.rate('ours'), verdict: agreed },
          yardstick: {
            ...{ name: 'raw subscription, on conflict do nothing by hand, in a transaction', value: result.rate('byHand') },
            verdict: once(each * byHandRounds, { handled: byHandHandled, claims: await inboxByHand.count() }),
          },
          ...{ ratio, target: atLeast(0.9, ratio) },
        },
      ];
    } finally {
      await eventStore.close();
      await client.dispose();
    }
  });
}
