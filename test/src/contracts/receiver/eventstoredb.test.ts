import { randomUUID } from 'node:crypto';
import type { SubscriptionTarget } from '@waybill/eventstoredb';
import { receiverContract } from '@waybill/testing';
import type { ReceiverFixture } from '@waybill/testing';
import { deliverAll } from '../../eventstoredb/deliver-all.js';
import { emulated } from '../../eventstoredb/emulated.js';
import { parkedIn } from '../../eventstoredb/parked.js';

async function open(target: SubscriptionTarget): Promise<ReceiverFixture> {
  const server = await emulated();
  const group = 'shipping';
  const receiver = server.eventstore.persistentSubscription(target, { group });
  return {
    receiver,
    another: server.another().persistentSubscription(target, { group }),
    aStream: () => `order-${randomUUID()}`,
    send: (messages) => deliverAll(server, messages),
    parked: () => parkedIn(server.stranger(), 'all' in target || 'category' in target ? '$all' : target.stream, group),
    replayParked: () => receiver.replayParked(),
    break: () => server.emulator.kill(),
    heal: () => server.emulator.restart(),
    close: () => server.close(),
  };
}

receiverContract('EventStoreDB: a category', () => open({ category: 'order' }));
receiverContract('EventStoreDB: all', () => open({ all: {} }));
