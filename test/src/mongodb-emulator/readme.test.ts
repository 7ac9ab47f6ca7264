import { MongoDBEmulator } from '@waybill/mongodb-emulator';
import { expect } from 'chai';
import { MongoClient } from 'mongodb';

describe('the samples of the MongoDB emulator', () => {
  it('start a server, and make a commit fail once, which the driver repeats', async () => {
    // #region start
    const emulator = await MongoDBEmulator.start();
    const client = new MongoClient(emulator.url);
    // #endregion
    // #region fail
    await client.db('admin').command({
      configureFailPoint: 'failCommand',
      mode: { times: 1 },
      data: { failCommands: ['commitTransaction'], errorCode: 91 },
    });
    // #endregion
    const letters = client.db('post').collection('letters');
    emulator.commands.reset();

    await client.withSession((session) => session.withTransaction(() => letters.insertOne({ to: 'ada' }, { session })));

    expect(emulator.commands.count('commitTransaction')).to.equal(2);
    expect(await letters.countDocuments()).to.equal(1);
    await client.close();
    await emulator.stop();
  });
});
