import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { silentLogger } from '@waybill/core';
import { EventStoreDB } from '@waybill/eventstoredb';
import { eventHistoryContract } from '@waybill/testing';
import type { EventHistoryFixture } from '@waybill/testing';
import { eventStoreDB } from '../../servers.js';

async function open(): Promise<EventHistoryFixture> {
  const url = await eventStoreDB();
  const eventstore = new EventStoreDB(url);
  const stranger = EventStoreDBClient.connectionString(url);
  return {
    history: eventstore.history,
    store: async (messages) => {
      const context = { order: 'stream', route: 'contract', lane: 0, epoch: 1n, attempt: 1, logger: silentLogger } as const;
      const { failure } = await eventstore.sink.deliver(messages, { ...context, signal: new AbortController().signal });
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
