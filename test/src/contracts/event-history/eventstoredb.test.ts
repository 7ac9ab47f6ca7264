import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { EventStoreDB } from '@waybill/eventstoredb';
import { aDeliveryContext, eventHistoryContract } from '@waybill/testing';
import type { EventHistoryFixture } from '@waybill/testing';
import { eventStoreDB } from '../../servers.js';

async function open(): Promise<EventHistoryFixture> {
  const url = await eventStoreDB();
  const eventstore = new EventStoreDB(url);
  const stranger = EventStoreDBClient.connectionString(url);
  return {
    history: eventstore.history,
    store: async (messages) => {
      const { failure } = await eventstore.sink.deliver(messages, aDeliveryContext());
      if (failure) throw failure;
    },
    storeForeign: async (stream, { type, data }) => {
      await stranger.appendToStream(stream, jsonEvent({ type, data: data as Record<string, unknown> }));
    },
    close: async () => {
      await eventstore.close();
      await stranger.dispose();
    },
  };
}

eventHistoryContract('EventStoreDB', open, { foreignWriters: true });
