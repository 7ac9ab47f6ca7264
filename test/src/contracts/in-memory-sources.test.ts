import { randomUUID } from 'node:crypto';
import { InvalidPayloadError } from '@waybill/core';
import { InMemoryEventLog, InMemoryReceiver } from '@waybill/core/in-memory';
import { eventLogContract, receiverContract } from '@waybill/testing';
import { arrivedFrom } from './arrived-from.js';

// #region log
eventLogContract('in-memory', async () => {
  const log = new InMemoryEventLog({ selectsStream: (stream) => stream.startsWith('order-') });
  return {
    log,
    aStream: () => `order-${randomUUID()}`,
    aForeignStream: () => `parcel-${randomUUID()}`,
    store: async (messages) => log.append(...messages.map(arrivedFrom)),
    storeUnreadable: async (stream, type) =>
      log.appendUnreadable({ id: randomUUID(), type, stream, revision: 1n, error: new InvalidPayloadError(type, [{ message: 'binary' }]) }),
    break: async () => log.break(),
    heal: async () => log.heal(),
    close: async () => {},
  };
});
// #endregion

// #region receiver
receiverContract('in-memory', async () => {
  const receiver = new InMemoryReceiver();
  return {
    receiver,
    another: receiver,
    aStream: () => `order-${randomUUID()}`,
    send: async (messages) => receiver.send(...messages.map(arrivedFrom)),
    parked: async () => receiver.parked,
    replayParked: async () => receiver.replayParked(),
    break: async () => receiver.break(),
    heal: async () => receiver.heal(),
    close: async () => {},
  };
});
// #endregion
