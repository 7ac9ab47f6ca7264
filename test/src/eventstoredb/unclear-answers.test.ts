import { setTimeout as sleep } from 'node:timers/promises';
import type { OutboxMessage } from '@waybill/core';
import { messagesOf } from '@waybill/testing';
import { expect } from 'chai';
import { deliverTo, emulated, idsOf, inTurns } from './emulated.js';
import type { Emulated, EmulatedOptions } from './emulated.js';

describe('EventStoreDB sink: answers that leave a doubt', () => {
  let server: Emulated;
  const open = async (options: EmulatedOptions = {}): Promise<Emulated> =>
    (server = await emulated({ ...options, eventstore: { appendTimeoutMs: 400, readTimeoutMs: 1_000, ...options.eventstore } }));
  afterEach(() => server.close());

  const manyStreams = (count: number, messages: number): readonly (readonly OutboxMessage[])[] =>
    Array.from({ length: count }, (_, nth) => messagesOf(`order-${nth}`, messages));
  function expectStoredOnce(streams: readonly (readonly OutboxMessage[])[]): void {
    for (const messages of streams) expect(server.storedIds(messages[0]!.stream)).to.deep.equal(idsOf(messages));
  }

  it('counts what was stored without an acknowledgement, and stores it once', async () => {
    await open();
    const streams = manyStreams(20, 3);
    await server.deliver(messagesOf('warm-up', 1));
    server.emulator.faults.storeWithoutAcknowledging(5);

    expect(await server.deliver(inTurns(...streams))).to.include({ accepted: 60 });
    expectStoredOnce(streams);
  });

  it('sends again what was lost', async () => {
    await open();
    const streams = manyStreams(20, 3);
    await server.deliver(messagesOf('warm-up', 1));
    server.emulator.faults.loseAppends(1, { stream: 'order-7' });

    expect(await server.deliver(inTurns(...streams))).to.include({ accepted: 60 });
    expectStoredOnce(streams);
  });

  it("counts what was stored although the server's own time-out was the answer", async () => {
    await open({ eventstore: { maxEventsPerAppend: 2 } });
    const streams = manyStreams(3, 9);
    server.emulator.faults.timeOutAppends(4);

    expect(await server.deliver(inTurns(...streams))).to.include({ accepted: 27 });
    expectStoredOnce(streams);
  });

  for (const [what, hurt] of [
    ['the network breaks', (): void => server.emulator.faults.tearConnections()],
    ['the server cancels its calls', (): void => server.emulator.faults.cancelCalls()],
  ] as const) {
    it(`goes on where it was when ${what}`, async () => {
      await open({ emulator: { commitDelayMs: 10 }, eventstore: { maxEventsPerAppend: 5, appendTimeoutMs: 2_000 } });
      const streams = manyStreams(40, 20);
      await server.deliver(messagesOf('warm-up', 1));

      const delivering = server.deliver(inTurns(...streams));
      await sleep(15);
      hurt();

      expect(await delivering).to.include({ accepted: 800 });
      expectStoredOnce(streams);
    });
  }

  it('counts its own append of before a crash, cut differently or not', async () => {
    await open();
    const messages = messagesOf('order-1', 30);
    await deliverTo(server.another({ maxEventsPerAppend: 8 }), messages.slice(0, 20));

    expect(await server.deliver(messages)).to.include({ accepted: 30 });
    expect(await server.deliver(messages.slice(5, 25))).to.include({ accepted: 20 });
    expectStoredOnce([messages]);
  });

  it('stores once what two processes deliver at the same time', async () => {
    await open({ emulator: { commitDelayMs: 20, commitTimeoutMs: 300 }, eventstore: { appendTimeoutMs: 3_000 } });
    const streams = manyStreams(30, 8);
    const batch = inTurns(...streams);
    const others = [server.another({ maxEventsPerAppend: 3 }), server.another()];

    const delivered = await Promise.all([server.deliver(batch), ...others.map((other) => deliverTo(other, batch))]);

    for (const { failure } of delivered) if (failure) expect(failure.code).to.equal('SINK_UNAVAILABLE');
    expect(await server.deliver(batch)).to.include({ accepted: 240 });
    expectStoredOnce(streams);
  });

  it('does not take for deleted what another process has under way', async () => {
    await open({ emulator: { commitDelayMs: 150 }, eventstore: { appendTimeoutMs: 3_000 } });
    const messages = messagesOf('order-1', 6);
    const ahead = deliverTo(server.another(), messages.slice(0, 3));
    await sleep(60);

    const { failure } = await server.deliver(messages);

    if (failure) expect(failure.code).to.equal('SINK_UNAVAILABLE');
    expect(await ahead).to.include({ accepted: 3 });
    expect(await server.deliver(messages)).to.include({ accepted: 6 });
    expectStoredOnce([messages]);
  });

  it('looks before it settles where the answer lacks a position: truncated since counts as delivered', async () => {
    await open();
    const messages = messagesOf('order-1', 10);
    await server.deliver(messages.slice(0, 6));
    await server.stranger().setStreamMetadata('order-1', { truncateBefore: 5 });

    expect(await server.deliver(messages.slice(0, 3))).to.include({ accepted: 3 });
    expect(await server.deliver(messages)).to.include({ accepted: 10 });
    expectStoredOnce([messages]);
  });
});
