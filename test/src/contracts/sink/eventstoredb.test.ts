import { EventStoreDB } from '@waybill/eventstoredb';
import { EventStoreDBEmulator } from '@waybill/eventstoredb-emulator';
import { sinkContract } from '@waybill/testing';
import type { SinkFixture } from '@waybill/testing';

async function open(): Promise<SinkFixture> {
  const emulator = await EventStoreDBEmulator.start();
  const eventstore = new EventStoreDB(emulator.connectionString);
  let broken = false;
  return {
    sink: eventstore.sink,
    history: eventstore.history,
    stored: async (stream) => emulator.read(stream).map(({ id, revision }) => ({ id, revision })),
    break: async () => {
      broken = true;
      await emulator.kill();
    },
    heal: async () => {
      if (broken) await emulator.restart();
      broken = false;
    },
    close: async () => {
      await eventstore.close();
      await emulator.stop();
    },
  };
}

sinkContract('EventStoreDB', open, { wholeStreams: true, history: true });
