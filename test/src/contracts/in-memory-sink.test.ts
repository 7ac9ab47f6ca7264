import { InMemorySink } from '@waybill/core/in-memory';
import { sinkContract } from '@waybill/testing';
import type { SinkFixture } from '@waybill/testing';

const open = (needsWholeStreams: boolean) => async (): Promise<SinkFixture> => {
  const sink = new InMemorySink({ needsWholeStreams });
  return {
    sink,
    history: sink.history,
    stored: async (stream) => {
      const messages: { id: string; revision: bigint }[] = [];
      for await (const { id, revision } of sink.history.read(stream, { from: 0n })) messages.push({ id, revision });
      return messages;
    },
    break: async () => sink.break(),
    refuse: async ({ id }) => sink.refuse((message) => message.id === id),
    heal: async () => sink.heal(),
    close: async () => {},
  };
};

sinkContract('in-memory', open(false), { recognisesDuplicates: true, refuses: true, history: true });
sinkContract('in-memory, with whole streams', open(true), { wholeStreams: true, refuses: true });
