import { Dispatcher } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { expect } from 'chai';
import type { Db } from 'mongodb';
import { failureOf } from '../shop/failure-of.js';
import { Notebook, NoteWritten } from '../shop/notebook.js';
import { openShop } from './mongodb-shop.js';
import type { MongoDBShop } from './mongodb-shop.js';

/** What mongodump and mongorestore do: documents and indexes into collections that are made anew. */
async function restore(from: Db, to: Db): Promise<void> {
  for (const { name } of await from.listCollections({}, { nameOnly: true }).toArray()) {
    await to.dropCollection(name).catch(() => {});
    const collection = await to.createCollection(name);
    const documents = await from.collection(name).find({}, { promoteLongs: false }).toArray();
    if (documents.length > 0) await collection.insertMany(documents);
    const indexes = (await from.collection(name).indexes()).filter(({ key }) => !('_id' in key));
    if (indexes.length > 0) await collection.createIndexes(indexes);
  }
}

describe('an outbox on MongoDB that was restored or copied', function () {
  this.timeout(30_000);
  let shop: MongoDBShop;
  before(async () => {
    shop = await openShop();
    await shop.unitOfWork.run(async ({ track }) => track(new Notebook('1')).write('x'));
  });
  after(() => shop.close());

  const start = ({ waybill }: MongoDBShop): Promise<void> =>
    new Dispatcher({ database: waybill, catalogue: [NoteWritten], routes: { memory: { sink: new InMemorySink(), start: 'now' } } }).start();

  it('starts where it was made', async () => {
    await shop.waybill.verify();
  });

  it('is refused in another database, as a dump restored there', async () => {
    const copy = await openShop();
    await restore(shop.db, copy.db);

    const error = await failureOf('DATABASE_REPLACED', () => start(copy));

    expect(error.message).to.contain('waybill_outbox').and.to.contain('Before you restore a database');
    await copy.close();
  });

  it('is refused in its own place, after an older dump was restored over it', async () => {
    const own = await openShop();
    await own.unitOfWork.run(async ({ track }) => track(new Notebook('1')).write('x'));
    const dump = await openShop();
    await restore(own.db, dump.db);
    await own.unitOfWork.run(async ({ track }) => track(new Notebook('2')).write('x'));
    await restore(dump.db, own.db);

    await failureOf('DATABASE_REPLACED', () => start(own));

    await Promise.all([own.close(), dump.close()]);
  });

  it('is refused when the counter alone has gone back', async () => {
    const own = await openShop();
    await own.waybill.routes.save({ name: 'all', order: 'stream', selection: {}, start: 'beginning' });
    await own.unitOfWork.run(async ({ track }) => track(new Notebook('1')).write('x'));
    await own.waybill.wakeUps.pulse();
    await own.db.collection<{ _id: string }>('waybill_sequencer').updateOne({ _id: 'sequencer' }, { $set: { position: 0n } });

    const error = await failureOf('DATABASE_REPLACED', () => start(own));

    expect(error.message).to.contain('position 1').and.to.contain('given is 0');
    await own.close();
  });

  it('is taken over by what the docs say, and then starts', async () => {
    const copy = await openShop();
    await restore(shop.db, copy.db);
    const [{ info }] = (await copy.db.listCollections({ name: 'waybill_outbox' }).toArray()) as unknown as [
      { info: { uuid: { toString(e: string): string } } },
    ];

    await copy.db
      .collection<{ _id: string }>('waybill_identity')
      .updateOne({ _id: 'outbox' }, { $set: { collection: info.uuid.toString('hex') } });

    await copy.waybill.verify();
    await copy.close();
  });
});
