import { expect } from 'chai';
import { Timestamp } from 'mongodb';
import type { Collection, MongoClient } from 'mongodb';
import { Emulated, failureOf } from './server-fixture.js';

interface Item {
  readonly _id: number;
  readonly n: number;
}

describe('MongoDB emulator: reading as of a time', () => {
  let emulated: Emulated;
  let client: MongoClient;
  let items: Collection<Item>;

  beforeEach(async () => {
    emulated = await Emulated.start();
    client = emulated.connect();
    items = client.db('test').collection('items');
    await items.insertMany([1, 2, 3].map((_id) => ({ _id, n: 0 })));
  });

  afterEach(async () => {
    await emulated.close();
  });

  it('shows a snapshot session one state, whatever is written meanwhile', async () => {
    const session = client.startSession({ snapshot: true });
    const before = await items.find({}, { session }).toArray();

    await items.updateMany({}, { $inc: { n: 1 } });
    await items.deleteOne({ _id: 2 });
    await items.insertOne({ _id: 4, n: 0 });

    expect(await items.find({}, { session }).toArray()).to.deep.equal(before);
    expect(await items.distinct('n', {}, { session })).to.deep.equal([0]);
    expect(await items.countDocuments({}, { session })).to.equal(3);
    expect(await items.countDocuments()).to.equal(3);
    expect(await items.distinct('n')).to.have.members([0, 1]);
    await session.endSession();
  });

  it('goes on in the snapshot with every batch of a cursor', async () => {
    const session = client.startSession({ snapshot: true });
    const cursor = items.find({}, { session, batchSize: 1 });
    const first = await cursor.next();

    await items.deleteMany({});

    expect([first, ...(await cursor.toArray())].map((item) => item?._id)).to.deep.equal([1, 2, 3]);
    await session.endSession();
  });

  it('is refused with 239 for a time of which the states are forgotten', async () => {
    await items.updateMany({}, { $inc: { n: 1 } });
    const atClusterTime = new Timestamp({ t: 1, i: 1 });

    const refused = await failureOf(client.db('test').command({ find: 'items', readConcern: { level: 'snapshot', atClusterTime } }));

    expect(refused).to.include({ code: 239 });
  });
});
