import { expect } from 'chai';
import { MongoClient } from 'mongodb';
import { MongoDBEmulator } from '@waybill/mongodb-emulator';
import { Emulated, failureOf } from './server-fixture.js';

describe('MongoDB emulator: connecting', () => {
  let emulated: Emulated;

  afterEach(async () => {
    await emulated?.close();
  });

  it('is a replica set with a primary to the driver, which speaks sessions and retryable writes to it', async () => {
    emulated = await Emulated.start();
    const client = emulated.connect({ monitorCommands: true });
    const commands: Record<string, unknown>[] = [];
    client.on('commandStarted', ({ command }) => commands.push(command));

    await client.db('test').collection('c').insertOne({ a: 1 });

    expect(client.options.replicaSet).to.equal('rs0');
    expect(commands[0]).to.include.keys('insert', 'lsid', 'txnNumber');
  });

  it('tells the time with every answer, a failure too', async () => {
    emulated = await Emulated.start();
    const admin = emulated.connect().db('admin');

    const answer = await admin.command({ ping: 1 });
    const failure = await failureOf(admin.command({ noSuchCommand: 1 }));

    expect(answer).to.include.keys('ok', 'operationTime', '$clusterTime');
    expect(failure).to.include({ code: 59, codeName: 'CommandNotFound' });
    expect((failure as { errorResponse?: object }).errorResponse).to.include.keys('operationTime', '$clusterTime');
  });

  it('answers what drivers and test runners ask a server about itself', async () => {
    emulated = await Emulated.start({ maxWireVersion: 21 });
    const admin = emulated.connect().db('admin');

    const version = (await admin.command({ buildInfo: 1 }))['version'] as string;
    const { config } = await admin.command({ replSetGetConfig: 1 });
    const { members } = await admin.command({ replSetGetStatus: 1 });
    const parameters = await admin.command({ getParameter: '*' });
    const status = await admin.command({ serverStatus: 1 });

    expect(version).to.equal('7.0.0');
    expect(config).to.have.nested.property('settings.replicaSetId');
    expect(members).to.have.nested.property('[0].stateStr', 'PRIMARY');
    expect(parameters).to.include({ transactionLifetimeLimitSeconds: 60 });
    expect(status).to.have.nested.property('metrics.commands.buildInfo.total', 1);
    for (const command of ['hostInfo', 'connectionStatus', 'getCmdLineOpts', 'whatsmyuri']) {
      expect(await admin.command({ [command]: 1 })).to.include({ ok: 1 });
    }
  });

  it('counts commands and leaves the monitoring out', async () => {
    emulated = await Emulated.start();
    const client = emulated.connect();
    await client.db('test').collection('c').insertOne({ a: 1 });
    emulated.emulator.commands.reset();

    await client.db('test').collection('c').findOne();
    await client.db('test').collection('c').findOne();

    expect(emulated.emulator.commands.byName()).to.deep.equal({ find: 2 });
    expect(emulated.emulator.commands.count('find')).to.equal(2);
    expect(emulated.emulator.commands.total).to.equal(2);
  });

  it('is a stand-alone server if told so: no transactions, no retryable writes, no change streams', async () => {
    emulated = await Emulated.start({ replicaSet: false });
    const client = emulated.connect();
    const collection = client.db('test').collection('c');
    await collection.insertOne({ a: 1 });

    const transaction = await failureOf(
      client.withSession((session) => session.withTransaction(() => collection.insertOne({ a: 2 }, { session }))),
    );
    const stream = await failureOf(collection.watch().next());
    const stored = await collection.countDocuments();

    expect(transaction.message).to.include('does not support retryable writes'); // the driver's words for 20
    expect(stream).to.include({ code: 40_573 });
    expect(stored).to.equal(1);
  });

  it('refuses a login: it has no users', async () => {
    emulated = await Emulated.start();
    const client = new MongoClient(emulated.emulator.url, { auth: { username: 'somebody', password: 'secret' } });

    const failure = await failureOf(client.connect());
    await client.close();

    expect(failure.message).to.include('no users');
  });

  it('says so when the port is taken, and when it was stopped for good', async () => {
    emulated = await Emulated.start();
    const { port } = emulated.emulator;

    const taken = await failureOf(MongoDBEmulator.start({ port }));
    await emulated.emulator.stop();
    await emulated.emulator.stop();
    const stopped = await failureOf(emulated.emulator.restart());

    expect(taken.code).to.equal('ADDRESS_UNAVAILABLE');
    expect(stopped.code).to.equal('EMULATOR_STOPPED');
  });
});
