import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { jsonEvent } from '@eventstore/db-client';
import { messagesOf } from '@waybill/testing';
import { expect } from 'chai';
import { eventStoreDB } from '../servers.js';
import { emulated, idsOf, inTurns } from './emulated.js';
import type { Emulated } from './emulated.js';

const PROGRAM = fileURLToPath(new URL('deliver-and-end.js', import.meta.url));
const ENDED_MS = 8_000;
const run = promisify(execFile);

describe('EventStoreDB sink: beside other clients in one process', () => {
  let [ours, theirs]: Emulated[] = [];
  const unhandled: unknown[] = [];
  const note = (reason: unknown): number => unhandled.push(reason);
  beforeEach(async () => {
    [ours, theirs] = await Promise.all([emulated(), emulated()]);
    process.on('unhandledRejection', note);
  });
  afterEach(async () => {
    process.off('unhandledRejection', note);
    unhandled.length = 0;
    await Promise.all([ours!.close(), theirs!.close()]);
  });

  it('has its appends answered when another client loses its connection', async () => {
    const plain = theirs!.stranger();
    await plain.appendToStream('warm-up', jsonEvent({ type: 'Happened', data: {} }));
    const streams = Array.from({ length: 20 }, (_, nth) => messagesOf(`order-${nth}`, 2));
    await ours!.deliver(messagesOf('warm-up', 1));
    ours!.emulator.faults.delayAcknowledgements(100);
    theirs!.emulator.faults.mute();

    const delivering = ours!.deliver(inTurns(...streams));
    const failing = plain.appendToStream('lost', jsonEvent({ type: 'Happened', data: {} })).catch((error: unknown) => error);
    setTimeout(() => theirs!.emulator.faults.tearConnections(), 30);

    expect(await failing).to.have.property('type', 'unavailable');
    expect(await delivering).to.include({ accepted: 40 });
    expect(unhandled).to.deep.equal([]);
  });

  it('leaves the appends of other clients alone when it loses its own, and no late answer ends the process', async () => {
    const plain = theirs!.stranger();
    await plain.appendToStream('warm-up', jsonEvent({ type: 'Happened', data: {} }));
    const messages = messagesOf('order-1', 3);
    await ours!.deliver(messages.slice(0, 1));
    theirs!.emulator.faults.delayAcknowledgements(150);
    ours!.emulator.faults.delayAcknowledgements(150);

    const appending = plain.appendToStream('kept', jsonEvent({ type: 'Happened', data: {} }));
    const delivering = ours!.deliver(messages.slice(1));
    setTimeout(() => ours!.emulator.faults.tearConnections(), 30);

    expect(await appending).to.have.property('success', true);
    expect(await delivering).to.include({ accepted: 2 });
    expect(ours!.storedIds('order-1')).to.deep.equal(idsOf(messages));
    expect(unhandled).to.deep.equal([]);
  });

  it('pays no heed to an answer that comes after it gave up', async () => {
    const impatient = await emulated({ eventstore: { appendTimeoutMs: 60 } });
    const messages = messagesOf('order-1', 3);
    await impatient.deliver(messages.slice(0, 1));
    impatient.emulator.faults.delayAcknowledgements(150);

    const { accepted } = await impatient.deliver(messages.slice(1));
    impatient.emulator.faults.heal();
    await new Promise((resolve) => setTimeout(resolve, 200));

    expect(accepted).to.equal(2); // found by looking
    expect(impatient.storedIds('order-1')).to.deep.equal(idsOf(messages));
    expect(unhandled).to.deep.equal([]);
    await impatient.close();
  });
});

describe('EventStoreDB: the end of a process', () => {
  for (const ending of ['stop', 'close'] as const) {
    it(`comes by itself after ${ending === 'stop' ? 'the sink was stopped' : 'all was closed'}`, async () => {
      const url = await eventStoreDB();

      const { stdout } = await run(process.execPath, [PROGRAM, url, ending], { timeout: ENDED_MS });

      expect(JSON.parse(stdout)).to.deep.equal({ accepted: 3, read: 3 });
    });
  }
});
