import { setTimeout as sleep } from 'node:timers/promises';
import { useFakeTimers } from 'sinon';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { EventStoreDB } from '@waybill/eventstoredb';
import { EventStoreDBEmulator } from '@waybill/eventstoredb-emulator';
import { anOutboxMessage, eventually, messagesOf } from '@waybill/testing';
import { expect } from 'chai';
import { eventStoreDB } from '../servers.js';
import { deliverTo, emulated, idsOf, inTurns } from './emulated.js';
import type { Emulated, EmulatedOptions } from './emulated.js';

const HOUR_MS = 3_600_000;

describe('EventStoreDB sink: outages', () => {
  let server: Emulated;
  const open = async (options: EmulatedOptions = {}): Promise<Emulated> =>
    (server = await emulated({ ...options, eventstore: { appendTimeoutMs: 250, readTimeoutMs: 250, ...options.eventstore } }));
  afterEach(() => server?.close());

  it('waits for a mute server no longer than its own limits, and recovers with a new client', async () => {
    await open();
    const messages = messagesOf('order-1', 4);
    await server.deliver(messages.slice(0, 2));
    server.emulator.faults.mute();
    const startedAt = performance.now();

    const { accepted, failure } = await server.deliver(messages.slice(2));

    expect(accepted).to.equal(0);
    expect(failure).to.have.property('code', 'SINK_UNAVAILABLE');
    expect(failure!.message).to.contain('250 ms');
    expect(performance.now() - startedAt).to.be.below(5_000);
    server.emulator.faults.heal();
    expect(await server.deliver(messages.slice(2))).to.include({ accepted: 2 });
    expect(server.storedIds('order-1')).to.deep.equal(idsOf(messages));
  });

  it('tells of a server that is away in one sentence', async () => {
    await open();
    const messages = messagesOf('order-1', 2);
    await server.deliver(messages.slice(0, 1));
    await server.emulator.kill();

    const { failure } = await server.deliver(messages.slice(1));

    expect(failure).to.have.property('code', 'SINK_UNAVAILABLE');
    expect(failure!.message).not.to.match(/Resolution note|\.\.|\. \.|; it is safe to repeat/);
    expect(failure!.message.match(/ECONNREFUSED/g) ?? []).to.have.length.below(2);
  });

  it('stores everything once over kills and restarts in the midst of batches', async () => {
    await open({ emulator: { commitDelayMs: 5 }, eventstore: { appendTimeoutMs: 2_000, maxEventsPerAppend: 4 } });
    const streams = Array.from({ length: 30 }, (_, nth) => messagesOf(`order-${nth}`, 30));
    const batch = inTurns(...streams);

    for (let kills = 0; kills < 3; kills++) {
      const delivering = server.deliver(batch);
      await sleep(20 + 10 * kills);
      await server.emulator.kill();
      const { accepted, acceptedBeyond = [] } = await delivering;
      for (const index of [...batch.keys()].filter((at) => at < accepted || acceptedBeyond.includes(at))) {
        expect(server.storedIds(batch[index]!.stream)).to.include(batch[index]!.id);
      }
      await server.emulator.restart();
    }
    await eventually('the delivery', async () => ((await server.deliver(batch)).accepted === batch.length ? true : undefined));

    for (const messages of streams) expect(server.storedIds(messages[0]!.stream)).to.deep.equal(idsOf(messages));
  });

  for (const refusal of ['refuseAsBusy', 'refuseAsNotReady'] as const) {
    it(`blames no message for a server that is ${refusal === 'refuseAsBusy' ? 'busy' : 'not ready'}`, async () => {
      await open();
      const streams = [messagesOf('order-1', 2), messagesOf('order-2', 2), messagesOf('order-3', 2)];
      await server.deliver(messagesOf('warm-up', 1));
      server.emulator.faults[refusal](1, { stream: 'order-2' });

      const { accepted, acceptedBeyond, failure } = await server.deliver(inTurns(...streams));

      expect({ accepted, acceptedBeyond }).to.deep.equal({ accepted: 1, acceptedBeyond: [2, 3, 5] });
      expect(failure).to.have.property('code', 'SINK_UNAVAILABLE');
      expect(failure!.message).to.match(/busy|not ready/i);
      expect(await server.deliver(inTurns(...streams))).to.include({ accepted: 6 });
    });
  }

  it('follows a server that does not lead to the one that does', async () => {
    await open({ eventstore: { appendTimeoutMs: 2_000 } });
    const leader = await EventStoreDBEmulator.start();
    const streams = Array.from({ length: 10 }, (_, nth) => messagesOf(`order-${nth}`, 3));
    server.emulator.faults.refuseAsNotLeader({ host: '127.0.0.1', port: leader.port }, Infinity);

    try {
      expect(await server.deliver(inTurns(...streams))).to.include({ accepted: 30 });
      for (const messages of streams) expect(leader.read(messages[0]!.stream).map(({ id }) => id)).to.deep.equal(idsOf(messages));
    } finally {
      await server.close();
      await leader.stop();
    }
  });

  it('gets over a failed discovery, which poisons a client for ever', async () => {
    await open({
      address: (direct) => `${direct.replace('esdb:', 'esdb+discover:')}&maxDiscoverAttempts=2&discoveryInterval=10`,
      eventstore: { appendTimeoutMs: 5_000 },
    });
    await server.emulator.kill();
    const messages = messagesOf('order-1', 2);

    const { failure } = await server.deliver(messages);
    await server.emulator.restart();

    expect(failure).to.have.property('code', 'SINK_UNAVAILABLE');
    expect(failure!.message).to.match(/discover/i);
    expect(await server.deliver(messages)).to.include({ accepted: 2 });
    expect(server.storedIds('order-1')).to.deep.equal(idsOf(messages));
  });

  it('ends with the signal although the server is mute, and leaves the connection usable', async () => {
    await open({ eventstore: { appendTimeoutMs: 10_000 } });
    await server.deliver(messagesOf('warm-up', 1));
    const messages = messagesOf('order-1', 3);
    const abort = new AbortController();
    server.emulator.faults.mute();

    const delivering = server.deliver(messages, { signal: abort.signal });
    setTimeout(() => abort.abort(), 30);

    expect((await delivering).failure).to.have.property('code', 'SINK_UNAVAILABLE');
    server.emulator.faults.heal();
    expect(await server.deliver(messages)).to.include({ accepted: 3 });
    expect(server.storedIds('order-1')).to.deep.equal(idsOf(messages));
  });

  it('needs no clock that agrees with the server', async () => {
    await open();
    const url = await eventStoreDB();
    const eventstore = new EventStoreDB(url);
    const plain = EventStoreDBClient.connectionString(url);
    const stream = `clock-${crypto.randomUUID()}`;
    const clock = useFakeTimers({ toFake: ['Date'], now: Date.now() - HOUR_MS });

    try {
      const plainly: unknown = await plain
        .appendToStream(`${stream}-plain`, jsonEvent({ type: 'Happened', data: {} }))
        .catch((error: unknown) => error);

      expect(plainly).to.have.property('type', 'deadline-exceeded');
      expect(await deliverTo(eventstore, messagesOf(stream, 2))).to.include({ accepted: 2 });
    } finally {
      clock.restore();
      await eventstore.close();
      await plain.dispose();
    }
  });

  it('says what is wrong with a connection string at the start of the dispatcher', async () => {
    await open();
    const eventstore = new EventStoreDB('postgres://localhost');

    const error: unknown = await eventstore.sink.start!(new AbortController().signal).catch((cause: unknown) => cause);

    expect(error).to.have.property('code', 'INVALID_OPTIONS');
  });

  it('takes nothing more once it is closed', async () => {
    await open();
    const messages = [anOutboxMessage('order-1', 0n)];
    await server.eventstore.close();
    await server.eventstore.close();

    expect((await server.deliver(messages)).failure).to.have.property('code', 'SINK_UNAVAILABLE');
  });
});
