import { EventStoreDBClient } from '@eventstore/db-client';
import { Consumer, UnitOfWork } from '@waybill/core';
import { EventStoreDB } from '@waybill/eventstoredb';
import { withFilledLog } from '../eventstoredb/filled-log.js';
import { atLeast } from '../figure.js';
import type { Figure } from '../figure.js';
import { OrderPlaced } from '../order.js';
import { inTurn } from '../rounds.js';
import type { Scratch } from '../scratch.js';
import type { Sizes } from '../sizes.js';
import { HandledCount } from './handled-count.js';
import { HandlesNothing } from './handles-nothing.js';

/** With a transaction for each message, and with batches. */
export async function overALog<Tx>(sizes: Sizes, scratch: Scratch<Tx>): Promise<readonly Figure[]> {
  return [...(await inBatches(sizes, scratch, 1)), ...(await inBatches(sizes, scratch, 50))];
}

/** An empty handler over a stream, so many messages in a transaction: against reading it raw, with a claim by hand for each message. */
async function inBatches<Tx>({ rounds, handledMessages }: Sizes, scratch: Scratch<Tx>, batchSize: number): Promise<readonly Figure[]> {
  return withFilledLog({ events: handledMessages / 4, streams: 1 }, async ({ url, stream, each, server }) => {
    const [{ database }, { inboxByHand }] = [await scratch.shop(), await scratch.shop()];
    const eventStore = new EventStoreDB(url);
    const client = EventStoreDBClient.connectionString(url);
    const unitOfWork = new UnitOfWork({ database, catalogue: [OrderPlaced] });
    const nothing = new HandlesNothing();
    const counts = { ours: new HandledCount(), byHand: new HandledCount() };
    let round = 0;

    const ours = async (): Promise<void> => {
      const receiver = eventStore.subscribe({ stream });
      const handlers: readonly object[] = [nothing];
      const consumer = new Consumer({ name: `bench-${round++}`, receiver, database, unitOfWork, handlers, batchSize });
      let handled = 0;
      const done = new Promise<void>((resolve) => consumer.on('advanced', ({ messages }) => (handled += messages) >= each && resolve()));
      await consumer.start();
      await done;
      await consumer.stop();
    };
    const byHand = async (): Promise<void> => {
      const run = round++; // the same stream each time: the ids are made others
      let left = each;
      for await (const { event } of client.subscribeToStream(stream)) {
        await counts.byHand.note(inboxByHand.inTransaction(`${run} ${event!.id}`));
        if (--left === 0) break;
      }
    };
    const rate = (name: keyof typeof counts, handleAll: () => Promise<void>) => async () => {
      const startedAt = performance.now();
      await counts[name].measured(each, handleAll);
      return (each / (performance.now() - startedAt)) * 1_000;
    };
    try {
      const result = await inTurn(Math.min(rounds, 5), { ours: rate('ours', ours), byHand: rate('byHand', byHand) });
      const ratio = result.ratio('ours', 'byHand');
      const moved = (await database.subscriptions.all()).reduce((sum, { messages }) => sum + Number(messages), 0);
      return [
        {
          ...{
            section: 'receive',
            name: `a consumer over a stream of ${server}, empty handler, ${batchSize === 1 ? 'a transaction for each' : `up to ${batchSize} in a transaction`}`,
            unit: 'messages/s',
          },
          ...{ ours: result.rate('ours'), verdict: counts.ours.verdict({ calls: nothing.calls, passed: moved }) },
          yardstick: {
            ...{ name: 'raw subscription, on conflict do nothing by hand, in a transaction', value: result.rate('byHand') },
            verdict: counts.byHand.verdict({ handled: counts.byHand.handled, claims: await inboxByHand.count() }),
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
