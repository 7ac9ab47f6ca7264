import { deliverTo } from './delivering.js';
import { eventHistoryContract } from './event-history-contract.js';
import type { SinkFixture } from './sink-fixture.js';

/** The suite of `EventHistory`, over what a sink delivered. */
export function sinkHistoryContract(name: string, open: () => Promise<SinkFixture>): void {
  eventHistoryContract(`${name} (its history)`, async () => {
    const { sink, history, close } = await open();
    await sink.start?.(new AbortController().signal);
    return {
      history: history!,
      store: async (messages) => {
        const { failure } = await deliverTo(sink, messages);
        if (failure) throw failure;
      },
      close: async () => {
        await sink.stop?.();
        await close();
      },
    };
  });
}
