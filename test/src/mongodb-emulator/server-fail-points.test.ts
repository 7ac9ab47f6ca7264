import { expect } from 'chai';
import type { Collection, Document, MongoClient } from 'mongodb';
import { Emulated, failureOf } from './server-fixture.js';

describe('MongoDB emulator: fail points', () => {
  let emulated: Emulated;
  let client: MongoClient;
  let collection: Collection<{ _id: number }>;

  beforeEach(async () => {
    emulated = await Emulated.start();
    client = emulated.connect({ retryWrites: false, retryReads: false, appName: 'orders' });
    collection = client.db('test').collection('c');
    await collection.insertOne({ _id: 0 });
  });

  afterEach(async () => {
    await emulated.close();
  });

  const failCommand = (mode: Document | string, data: Document): Promise<void> => emulated.failPoint('failCommand', mode, data);
  const outcomes = async (...acts: (() => Promise<unknown>)[]): Promise<string[]> => {
    const found: string[] = [];
    for (const act of acts)
      found.push(
        await act().then(
          () => 'ok',
          ({ code, name }: { code?: number; name: string }) => String(code ?? name),
        ),
      );
    return found;
  };
  const find = (): Promise<unknown> => collection.findOne();
  const insert = (id: number) => (): Promise<unknown> => collection.insertOne({ _id: id });

  it('fail the commands that they name, so many times, and are then off', async () => {
    await failCommand({ times: 2 }, { failCommands: ['find'], errorCode: 8 });

    expect(await outcomes(find, insert(1), find, find)).to.deep.equal(['8', 'ok', '8', 'ok']);
  });

  it('let some pass first, stay on, and are switched off', async () => {
    await failCommand({ skip: 1 }, { failCommands: ['find'], errorCode: 8 });
    const on = await outcomes(find, find, find);
    await failCommand('off', {});

    expect([...on, ...(await outcomes(find))]).to.deep.equal(['ok', '8', '8', 'ok']);
  });

  it('may be random', async () => {
    await failCommand({ activationProbability: 0.5 }, { failCommands: ['find'], errorCode: 8 });

    expect(new Set(await outcomes(...Array<typeof find>(100).fill(find)))).to.have.keys('ok', '8');
  });

  it('can be meant for one application, and for one collection', async () => {
    await failCommand('alwaysOn', { failCommands: ['find'], errorCode: 8, appName: 'orders', namespace: 'test.c' });

    const others = emulated.connect({ appName: 'bills' }).db('test').collection('c').findOne();
    expect(
      await outcomes(
        find,
        () => others,
        () => client.db('test').collection('d').findOne(),
      ),
    ).to.deep.equal(['8', 'ok', 'ok']);
  });

  it('give errors the labels of their codes, or those that are asked for', async () => {
    const retrying = emulated.connect({ monitorCommands: true }).db('test').collection<{ _id: number }>('c');
    await failCommand({ times: 1 }, { failCommands: ['insert'], errorCode: 91 });
    await retrying.insertOne({ _id: 1 });
    await failCommand({ times: 1 }, { failCommands: ['insert'], errorCode: 91, errorLabels: [] });
    const without = await failureOf(retrying.insertOne({ _id: 2 }));
    await failCommand({ times: 1 }, { failCommands: ['insert'], errorCode: 8, errorLabels: ['Odd'] });
    const odd = await failureOf(retrying.insertOne({ _id: 3 }));

    expect(without).to.include({ code: 91 });
    expect(odd.errorLabels).to.include('Odd');
    expect(await collection.distinct('_id')).to.deep.equal([0, 1]);
  });

  it('hang up without executing anything', async () => {
    await failCommand({ times: 1 }, { failCommands: ['insert'], closeConnection: true });

    expect(await outcomes(insert(1), find)).to.deep.equal(['MongoNetworkError', 'ok']);
    expect(await collection.distinct('_id')).to.deep.equal([0]);
  });

  it('delay a command, and then let it run', async () => {
    await failCommand({ times: 1 }, { failCommands: ['insert'], blockConnection: true, blockTimeMS: 100 });

    const from = performance.now();
    await collection.insertOne({ _id: 1 });

    expect(performance.now() - from).to.be.within(95, 2_000);
  });

  it('add a write concern error to what was executed, and pass over commands that have none', async () => {
    const data = { failCommands: ['ping', 'insert'], writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } };
    await failCommand({ times: 1 }, data);

    await client.db('test').command({ ping: 1 });
    const failure = await failureOf(collection.insertOne({ _id: 1 }));

    expect(failure).to.include({ name: 'MongoWriteConcernError', code: 64 });
    expect(await collection.distinct('_id')).to.deep.equal([0, 1]);
  });

  it('lose the answer of a commit, which the driver asks for again', async () => {
    await emulated.failPoint('loseReply', { times: 1 }, { failCommands: ['commitTransaction'] });

    await client.withSession((session) => session.withTransaction(() => collection.insertOne({ _id: 1 }, { session })));

    expect(emulated.emulator.commands.count('commitTransaction')).to.equal(2);
    expect(await collection.distinct('_id')).to.deep.equal([0, 1]);
  });

  it('fail a retryable write before it is applied', async () => {
    const retrying = emulated.connect().db('test').collection<{ _id: number }>('c');
    await emulated.failPoint('onPrimaryTransactionalWrite', { times: 1 }, { failBeforeCommitExceptionCode: 8 });

    const failure = await failureOf(retrying.insertOne({ _id: 1 }));

    expect(failure.code).to.equal(8);
    expect(await collection.distinct('_id')).to.deep.equal([0]);
  });

  it('play an overloaded server', async () => {
    await failCommand({ times: 1 }, { failCommands: ['find'], errorCode: 462 });

    const overloaded = await failureOf(emulated.connect({ maxAdaptiveRetries: 0 }).db('test').collection('c').findOne());

    expect(overloaded.code).to.equal(462);
    expect(overloaded.errorLabels).to.include.members(['SystemOverloadedError', 'RetryableError']);
  });

  it('that nobody knows are refused, and the known ones named', async () => {
    const failure = await failureOf(emulated.failPoint('hangAnalyzer', 'alwaysOn'));

    expect(failure.message).to.include('failCommand, failGetMoreAfterCursorCheckout, onPrimaryTransactionalWrite');
  });
});
