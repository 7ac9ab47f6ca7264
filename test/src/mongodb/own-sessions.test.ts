import { Dispatcher } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { MongoDBDatabase } from '@waybill/mongodb';
import type { MongoDBTx } from '@waybill/mongodb';
import { expect } from 'chai';
import mongoose from 'mongoose';
import { UnitOfWork } from '@waybill/core';
import { mongodbDatabase } from '../servers.js';
import { failureOf } from '../shop/failure-of.js';
import { aRunningDispatcher, stopDispatchers } from '../shop/dispatching.js';
import { Notebook, NoteWritten } from '../shop/notebook.js';
import { openShop } from './mongodb-shop.js';
import type { MongoDBShop } from './mongodb-shop.js';

describe('in a session of the application, on MongoDB', function () {
  this.timeout(30_000);
  let shop: MongoDBShop;
  before(async () => (shop = await openShop()));
  after(() => shop.close());
  stopDispatchers();

  const texts = async (id: string): Promise<readonly string[] | undefined> =>
    (await shop.unitOfWork.run(async ({ find }) => (await find(Notebook, id))?.texts)).result;

  it('what is appended commits with what the application writes, and is delivered', async () => {
    const sink = new InMemorySink();
    const routes = { memory: { sink, start: 'now' as const } };
    const dispatcher = await aRunningDispatcher({ database: shop.waybill, catalogue: [NoteWritten], routes });

    const receipt = await shop.client.withSession((session) =>
      session.withTransaction(async () => {
        await shop.db.collection('own').insertOne({ text: 'with it' }, { session });
        return shop.unitOfWork.join({ session, db: shop.db }, async ({ track }) => track(new Notebook('own')).write('x'));
      }),
    );
    receipt.committed();

    expect(await dispatcher.delivered(receipt, 'memory')).to.equal('delivered');
    expect(sink.events('notebook-own')).to.have.length(1);
    expect(await shop.db.collection('own').countDocuments()).to.equal(1);
  });

  it('is delivered without being told of the commit, at the next poll', async () => {
    const dispatcher = await aRunningDispatcher({
      database: shop.waybill,
      catalogue: [NoteWritten],
      routes: { untold: { sink: new InMemorySink(), start: 'now' } },
    });

    const receipt = await shop.client.withSession((session) =>
      session.withTransaction(() =>
        shop.unitOfWork.join({ session, db: shop.db }, async ({ track }) => track(new Notebook('untold')).write('x')),
      ),
    );

    expect(await dispatcher.delivered(receipt, 'untold')).to.equal('delivered');
  });

  it('nothing is written where no transaction is open, and the error says what to do', async () => {
    const session = shop.client.startSession();
    const join = (tx: object): Promise<unknown> =>
      shop.unitOfWork.join(tx as MongoDBTx, async ({ track, tx: { db, session: own } }) => {
        await db.collection('own').insertOne({ text: 'alone' }, { session: own });
        track(new Notebook('alone')).write('x');
      });

    const notOpen = await failureOf('INVALID_OPTIONS', () => join({ session, db: shop.db }));
    const noSession = await failureOf('INVALID_OPTIONS', () => join(session));

    expect(notOpen.message).to.contain('no open transaction').and.to.contain('withTransaction');
    expect(noSession.message).to.contain('{ session, db }');
    expect(await texts('alone')).to.equal(undefined);
    expect(await shop.db.collection('own').countDocuments({ text: 'alone' })).to.equal(0);
    await session.endSession();
  });

  it('nothing is left of what was appended when the application aborts', async () => {
    const session = shop.client.startSession();
    session.startTransaction();
    await shop.unitOfWork.join({ session, db: shop.db }, async ({ track }) => track(new Notebook('aborted')).write('x'));

    await session.abortTransaction();
    await session.endSession();

    expect(await texts('aborted')).to.equal(undefined);
  });

  it('a conflict lets nothing commit, also when it is swallowed', async () => {
    await shop.unitOfWork.run(async ({ track }) => track(new Notebook('taken')).write('first'));
    const session = shop.client.startSession();
    session.startTransaction();
    const tx = { session, db: shop.db };

    const error = await failureOf('CONCURRENCY', () =>
      shop.unitOfWork.join(tx, async ({ track }) => {
        track(new Notebook('fresh')).write('goes along');
        track(new Notebook('taken')).write('too late');
      }),
    );
    const committed = await session.commitTransaction().then(
      () => 'committed',
      () => 'refused',
    );
    await session.endSession();

    expect(error).to.include({ stream: 'notebook-taken', actualRevision: 0n });
    expect(committed).to.equal('refused');
    expect(await texts('fresh')).to.equal(undefined);
    expect(await texts('taken')).to.deep.equal(['first']);
  });

  it("lets the driver's own withTransaction run the work again after a write conflict", async () => {
    await shop.unitOfWork.run(async ({ track }) => track(new Notebook('contended')).write('0'));

    await Promise.all(
      Array.from({ length: 6 }, (_, nth) =>
        shop.client.withSession((session) =>
          session.withTransaction(async () => {
            await shop.unitOfWork.join({ session, db: shop.db }, async ({ load }) =>
              (await load(Notebook, 'contended')).write(`${nth + 1}`),
            );
          }),
        ),
      ),
    );

    expect(await texts('contended')).to.have.members(['0', '1', '2', '3', '4', '5', '6']);
  });

  it('of Mongoose: models and messages in one transaction', async () => {
    const { url, database } = await mongodbDatabase();
    const connection = await mongoose.createConnection(url, { dbName: database }).asPromise();
    const client = connection.getClient();
    const waybill = new MongoDBDatabase({ client, database });
    await waybill.migrate();
    const unitOfWork = new UnitOfWork({ database: waybill, catalogue: [NoteWritten] });
    const Order = connection.model('Order', new mongoose.Schema({ total: Number }));
    await Order.createCollection();
    const sink = new InMemorySink();
    const dispatcher = new Dispatcher({ database: waybill, catalogue: [NoteWritten], routes: { memory: { sink } } });
    await dispatcher.start();

    const receipt = await connection.transaction(async (session) => {
      await Order.create([{ total: 42 }], { session });
      return unitOfWork.join({ session, db: client.db(database) }, async ({ track }) => track(new Notebook('mongoose')).write('x'));
    });
    await connection
      .transaction(async (session) => {
        await Order.create([{ total: 43 }], { session });
        await unitOfWork.join({ session, db: client.db(database) }, async ({ track }) => track(new Notebook('undone')).write('x'));
        throw new Error('changed my mind');
      })
      .catch(() => {});

    await dispatcher.delivered(receipt, 'memory');
    expect(sink.delivered.map(({ stream }) => stream)).to.deep.equal(['notebook-mongoose']);
    expect(await Order.countDocuments()).to.equal(1);
    await dispatcher.stop();
    await connection.close();
  });
});
