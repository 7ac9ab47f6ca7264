import { EventStoreDBClient } from '@eventstore/db-client';
import { EventStoreDBEmulator } from '@waybill/eventstoredb-emulator';
import { expect } from 'chai';
import { anEvent, failureOf } from './append-path.js';
import { describeOnEmulator } from './server-under-test.js';
import { watch } from './watched-subscription.js';

describeOnEmulator('EventStoreDB emulator: starting and stopping', () => {
  it('is told to stop: accepts appends for a while, stores the last ones without an answer, then drops connections', async () => {
    const emulator = await EventStoreDBEmulator.start();
    const client = EventStoreDBClient.connectionString(emulator.connectionString);
    const watched = watch(client.subscribeToStream('s'));
    await watched.sees('caughtUp');

    const stopped = emulator.stop({ graceMs: 300 });
    let acknowledged = 0;
    let failure: { type?: string } | undefined;
    while (!failure)
      await client.appendToStream('s', anEvent()).then(
        () => (acknowledged += 1),
        (error: object) => (failure = error),
      );
    await stopped;
    const ended = await watched.failure;
    await client.dispose();

    expect(acknowledged).to.be.above(10);
    expect(failure).to.include({ type: 'unavailable' });
    expect(emulator.read('s')).to.have.length(acknowledged + 1);
    expect(ended).to.include({ type: 'unavailable', code: 14 });
    expect(ended.message).to.include('Connection dropped');
  });

  it('says so when the port is taken, and when it was stopped for good', async () => {
    const emulator = await EventStoreDBEmulator.start();

    const taken = await failureOf(EventStoreDBEmulator.start({ port: emulator.port }));
    await emulator.stop();
    await emulator.stop();

    expect(taken.code).to.equal('ADDRESS_UNAVAILABLE');
    expect((await failureOf(emulator.restart())).code).to.equal('EMULATOR_STOPPED');
  });

  it('shows what is stored, hidden events included', async () => {
    const emulator = await EventStoreDBEmulator.start();
    const client = EventStoreDBClient.connectionString(emulator.connectionString);
    const id = crypto.randomUUID();
    await client.appendToStream('s', anEvent(id, { a: 1 }));
    await client.deleteStream('s');

    const [event] = emulator.read('s');
    await client.dispose();
    await emulator.stop();

    expect(event).to.include({ stream: 's', id, type: 'Happened', json: true, revision: 0n });
    expect(JSON.parse(event!.data.toString())).to.deep.equal({ a: 1 });
    expect(emulator.streams()).to.deep.equal(['s', '$$s']);
    expect([...emulator.readAll()].map(({ type }) => type)).to.deep.equal(['Happened', '$metadata']);
    expect(emulator.read('other')).to.deep.equal([]);
  });
});
