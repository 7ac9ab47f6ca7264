import type { OutboxMessage } from '@waybill/core';
import { messagesOf } from '@waybill/testing';
import { expect } from 'chai';
import { emulated, idsOf, inTurns } from './emulated.js';
import type { Emulated } from './emulated.js';

describe("EventStoreDB sink: a route with order 'global'", () => {
  let server: Emulated;
  beforeEach(async () => (server = await emulated({ eventstore: { appendTimeoutMs: 500, maxEventsPerAppend: 4 } })));
  afterEach(() => server.close());

  const all = (): readonly string[] => [...server.emulator.readAll()].map(({ id }) => id);
  /** Runs of different lengths, so that some appends hold several events and some hold one. */
  const mixed = (): readonly OutboxMessage[] => {
    const [one, two, three] = [messagesOf('order-1', 14), messagesOf('order-2', 5), messagesOf('order-3', 5)];
    return [...one.slice(0, 9), ...inTurns(two, three), ...one.slice(9)];
  };

  it('has the order of the batch in $all', async () => {
    const batch = mixed();

    expect(await server.deliver(batch, { order: 'global' })).to.include({ accepted: 24 });
    expect(all()).to.deep.equal(idsOf(batch));
  });

  it('has it over lost answers, time-outs and lost appends too', async () => {
    const batch = mixed();
    server.emulator.faults.timeOutAppends(2);
    server.emulator.faults.loseAppends(1, { stream: 'order-2' });
    server.emulator.faults.storeWithoutAcknowledging(1, { stream: 'order-3' });

    expect(await server.deliver(batch, { order: 'global' })).to.include({ accepted: 24 });
    expect(all()).to.deep.equal(idsOf(batch));
  });

  it('stores nothing behind the first failure, of whatever stream', async () => {
    const batch = mixed();
    server.emulator.faults.refuseAsBusy(1, { stream: 'order-2' });

    const { accepted, acceptedBeyond, failure } = await server.deliver(batch, { order: 'global' });

    expect({ accepted, acceptedBeyond }).to.deep.equal({ accepted: 9, acceptedBeyond: undefined });
    expect(failure).to.have.property('code', 'SINK_UNAVAILABLE');
    expect(all()).to.deep.equal(idsOf(batch.slice(0, 9)));
    expect(await server.deliver(batch.slice(9), { order: 'global' })).to.include({ accepted: 15 });
    expect(all()).to.deep.equal(idsOf(batch));
  });

  it('stops at a message that no server takes', async () => {
    const batch = [...messagesOf('order-1', 2), ...messagesOf('order-2', 1), ...messagesOf('order-1', 1, 2n)];
    const bad = [batch[0]!, batch[1]!, { ...batch[2]!, type: '', payload: '{}' } as OutboxMessage, batch[3]!];

    const { accepted, acceptedBeyond, failure } = await server.deliver(bad, { order: 'global' });

    expect({ accepted, acceptedBeyond }).to.deep.equal({ accepted: 2, acceptedBeyond: undefined });
    expect(failure).to.include({ code: 'MESSAGE_REJECTED', messageId: bad[2]!.id });
  });
});
