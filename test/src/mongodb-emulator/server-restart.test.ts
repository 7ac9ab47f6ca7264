import { eventually } from '@waybill/testing';
import { expect } from 'chai';
import type { MongoClient } from 'mongodb';
import { Emulated, failureOf } from './server-fixture.js';

interface Item {
  readonly _id: number;
}

describe('MongoDB emulator: killing, restarting, freezing', () => {
  let emulated: Emulated;
  let client: MongoClient;

  beforeEach(async () => {
    emulated = await Emulated.start();
    client = emulated.connect();
    await client.db('test').createCollection('c');
  });

  afterEach(async () => {
    await emulated.close();
  });

  const items = (from = client) => from.db('test').collection<Item>('c');
  const stored = async (): Promise<number[]> => (await items(emulated.connect()).find().sort({ _id: 1 }).toArray()).map(({ _id }) => _id);
  const executed = (command: string): Promise<true> =>
    eventually(`executing ${command}`, async () => emulated.emulator.commands.count(command) > 0 || undefined);

  it('comes back on the same port with everything that was acknowledged; the driver reconnects by itself', async () => {
    await items().insertOne({ _id: 1 });

    await emulated.emulator.kill();
    const away = await failureOf(emulated.connect({ serverSelectionTimeoutMS: 100 }).db('test').command({ ping: 1 }));
    await emulated.emulator.restart();
    await items().insertOne({ _id: 2 });

    expect(away.name).to.equal('MongoServerSelectionError');
    expect(await stored()).to.deep.equal([1, 2]);
  });

  it('forgets transactions that were open', async () => {
    const session = client.startSession();
    session.startTransaction();
    await items().insertOne({ _id: 1 }, { session });

    await emulated.emulator.restart();
    const commit = await failureOf(session.commitTransaction());
    await session.endSession();

    expect(commit).to.include({ code: 251 });
    expect(await stored()).to.deep.equal([]);
  });

  for (const { loseUnacknowledged, left } of [
    { loseUnacknowledged: false, left: [1, 2] },
    { loseUnacknowledged: true, left: [1] },
  ]) {
    it(`${loseUnacknowledged ? 'loses' : 'keeps'} a commit that nobody was told of`, async () => {
      await items().insertOne({ _id: 1 });
      const session = client.startSession();
      session.startTransaction();
      await items().insertOne({ _id: 2 }, { session });

      emulated.emulator.freeze({ answersOnly: true });
      const commit = session.commitTransaction().catch(() => {});
      await executed('commitTransaction');
      await emulated.emulator.restart({ loseUnacknowledged });
      await commit;
      await session.endSession();

      expect(await stored()).to.deep.equal(left);
    });
  }

  it('answers a retryable write that was applied before the kill from its record', async () => {
    await emulated.failPoint('onPrimaryTransactionalWrite', { times: 1 });

    const { insertedCount } = await items().insertMany([{ _id: 1 }, { _id: 2 }]);

    expect(insertedCount).to.equal(2);
    expect(await stored()).to.deep.equal([1, 2]);
    expect(emulated.emulator.commands.count('insert')).to.equal(2);
  });

  it('applies a retryable write afresh whose first run was lost', async () => {
    await items().insertOne({ _id: 1 });
    emulated.emulator.freeze({ answersOnly: true });

    const insert = items().insertOne({ _id: 2 });
    await eventually('the second insert', async () => emulated.emulator.commands.count('insert') > 1 || undefined);
    await emulated.emulator.restart({ loseUnacknowledged: true });
    await insert;

    expect(await stored()).to.deep.equal([1, 2]);
  });

  it('drops cursors', async () => {
    await items().insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }]);
    const cursor = items().find({}, { batchSize: 1 });
    await cursor.next();

    await emulated.emulator.restart();
    await emulated.connect().db('test').command({ ping: 1 });
    const failure = await failureOf(cursor.next().then(() => cursor.next()));

    expect(failure.code === 43 || failure.name === 'MongoNetworkError').to.be.true;
  });

  it('takes bytes and answers nothing while frozen, and goes on when thawed', async () => {
    await items().insertOne({ _id: 1 });
    emulated.emulator.commands.reset();
    emulated.emulator.freeze();

    const late = items().insertOne({ _id: 2 });
    const impatient = await failureOf(items(emulated.connect({ serverSelectionTimeoutMS: 150 })).findOne());
    const executedMeanwhile = emulated.emulator.commands.total;
    emulated.emulator.thaw();
    await late;

    expect(impatient.name).to.equal('MongoServerSelectionError');
    expect(executedMeanwhile).to.equal(0);
    expect(await stored()).to.deep.equal([1, 2]);
  });
});
