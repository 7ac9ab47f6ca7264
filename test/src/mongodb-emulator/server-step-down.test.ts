import { once } from 'node:events';
import { expect } from 'chai';
import type { MongoClient, ServerDescriptionChangedEvent } from 'mongodb';
import { Emulated, failureOf } from './server-fixture.js';

const STEP_DOWN_MS = 200;
/** A driver asks to be told of changes so long after it has connected; else half a second. */
const WATCH_AFTER_MS = 10;

describe('MongoDB emulator: stepping down', () => {
  let emulated: Emulated;
  let client: MongoClient;

  beforeEach(async () => {
    emulated = await Emulated.start();
    client = emulated.connect({ retryWrites: false, minHeartbeatFrequencyMS: WATCH_AFTER_MS });
    await client.db('test').createCollection('c');
  });

  afterEach(async () => {
    await emulated.close();
  });

  const becomes = async (type: string): Promise<ServerDescriptionChangedEvent> => {
    for (;;) {
      const [event] = (await once(client, 'serverDescriptionChanged')) as [ServerDescriptionChangedEvent];
      if (event.newDescription.type === type) return event;
    }
  };

  it('is pushed to monitors, and back again with a larger election id', async () => {
    const stepsDown = becomes('RSSecondary');
    const stepsUp = becomes('RSPrimary');

    await emulated.emulator.stepDown(STEP_DOWN_MS);
    const [down, up] = [await stepsDown, await stepsUp];

    expect(down.newDescription.topologyVersion!.counter > down.previousDescription.topologyVersion!.counter).to.be.true;
    expect(up.newDescription.electionId!.toHexString() > down.previousDescription.electionId!.toHexString()).to.be.true;
  });

  it('refuses writes meanwhile, and the driver finds the primary again', async () => {
    const collection = client.db('test').collection('c');

    const recovered = emulated.emulator.stepDown(STEP_DOWN_MS);
    const failure = await failureOf(collection.insertOne({ a: 1 }));
    await recovered;
    await collection.insertOne({ a: 2 });

    expect(failure).to.include({ code: 10_107, codeName: 'NotWritablePrimary' });
    expect(await collection.countDocuments()).to.equal(1);
  });

  it('is survived by a retryable write that nobody sees', async () => {
    const collection = emulated.database().collection('c');
    await collection.insertOne({ a: 1 });

    const recovered = emulated.emulator.stepDown(STEP_DOWN_MS);
    await collection.insertOne({ a: 2 });
    await recovered;

    expect(await collection.countDocuments()).to.equal(2);
  });

  it('aborts open transactions, which withTransaction runs again', async () => {
    const collection = client.db('test').collection('c');
    let runs = 0;

    await client.withSession((session) =>
      session.withTransaction(async () => {
        runs += 1;
        await collection.insertOne({ run: runs }, { session });
        if (runs === 1) await emulated.emulator.stepDown(STEP_DOWN_MS);
        await collection.insertOne({ run: runs }, { session });
      }),
    );

    expect(runs).to.be.above(1);
    expect(await collection.distinct('run')).to.deep.equal([runs]);
  });

  it('interrupts what a write is waiting for', async () => {
    const collection = client.db('test').collection<{ _id: number; by?: string }>('c');
    await collection.insertOne({ _id: 1 });
    const session = client.startSession();
    session.startTransaction();
    await collection.updateOne({ _id: 1 }, { $set: { by: 'transaction' } }, { session });
    const waiting = failureOf(collection.updateOne({ _id: 1 }, { $set: { by: 'plain write' } }));
    await client.db('test').command({ ping: 1 });

    await emulated.emulator.stepDown(STEP_DOWN_MS);
    const failure = await waiting;
    const commit = await failureOf(session.commitTransaction());
    await session.endSession();

    expect(failure).to.include({ code: 11_602, codeName: 'InterruptedDueToReplStateChange' });
    expect(commit.errorLabels).to.include('TransientTransactionError');
    expect(await collection.findOne()).to.deep.equal({ _id: 1 });
  });

  it('can be asked for by the command of a real server', async () => {
    await client.db('test').collection('c').insertOne({ a: 1 });

    await client.db('admin').command({ replSetStepDown: 1, force: true });
    const failure = await failureOf(client.db('test').collection('c').insertOne({ a: 1 }));
    const answer = await client.db('test').collection('c').insertOne({ a: 1 });

    expect(failure.code).to.equal(10_107);
    expect(answer.acknowledged).to.be.true;
  });
});
