import { randomUUID } from 'node:crypto';
import { binaryEvent } from '@eventstore/db-client';
import type { SubscriptionTarget } from '@waybill/eventstoredb';
import { eventLogContract } from '@waybill/testing';
import type { EventLogFixture } from '@waybill/testing';
import { deliverAll } from '../../eventstoredb/deliver-all.js';
import { emulated } from '../../eventstoredb/emulated.js';

async function open(target: SubscriptionTarget, aForeignStream?: () => string): Promise<EventLogFixture> {
  const server = await emulated();
  const stranger = server.stranger();
  return {
    log: server.eventstore.subscribe(target),
    another: server.another().subscribe(target),
    aStream: () => `order-${randomUUID()}`,
    ...(aForeignStream && { aForeignStream }),
    store: (messages) => deliverAll(server, messages),
    storeUnreadable: async (stream, type) =>
      void (await stranger.appendToStream(stream, binaryEvent({ type, data: Buffer.from('no JSON') }))),
    break: () => server.emulator.kill(),
    heal: () => server.emulator.restart(),
    close: () => server.close(),
  };
}

eventLogContract('EventStoreDB: a category', () => open({ category: 'order' }, () => `orderly-${randomUUID()}`));
eventLogContract('EventStoreDB: all', () => open({ all: {} }));
