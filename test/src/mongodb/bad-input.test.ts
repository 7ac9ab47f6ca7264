import { defineEvent, Dispatcher, unchecked, UnitOfWork } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { MongoDBDatabase } from '@waybill/mongodb';
import { expect } from 'chai';
import { MongoClient } from 'mongodb';
import { mongodbDatabase } from '../servers.js';
import { failureOf } from '../shop/failure-of.js';
import { Notebook, NoteWritten } from '../shop/notebook.js';
import { openShop } from './mongodb-shop.js';
import type { MongoDBShop } from './mongodb-shop.js';

describe('bad input to the MongoDB adapter', function () {
  this.timeout(30_000);
  let shop: MongoDBShop;
  before(async () => (shop = await openShop()));
  after(() => shop.close());

  const messages = (): Promise<number> => shop.db.collection('waybill_outbox').countDocuments();

  it('says that the database is not migrated, and what to do', async () => {
    const { url, database } = await mongodbDatabase();
    const client = new MongoClient(url);
    const waybill = new MongoDBDatabase({ client, database });
    const unitOfWork = new UnitOfWork({ database: waybill, catalogue: [NoteWritten] });
    const dispatcher = new Dispatcher({ database: waybill, catalogue: [NoteWritten], routes: { memory: { sink: new InMemorySink() } } });

    const atCommit = await failureOf('SCHEMA_MISMATCH', () => unitOfWork.run(async ({ track }) => track(new Notebook('1')).write('x')));
    const atStart = await failureOf('SCHEMA_MISMATCH', () => dispatcher.start());
    await waybill.migrate();
    const afterwards = await unitOfWork.run(async ({ track }) => track(new Notebook('1')).write('x'));

    expect(atCommit.message).to.contain('database.migrate()').and.to.contain(database);
    expect(atStart.message).to.contain('database.migrate()');
    expect(afterwards.messages).to.have.length(1);
    await client.close();
  });

  it('refuses another number of lanes than the collections were made with, also where somebody only commits', async () => {
    const other = new MongoDBDatabase({ client: shop.client, database: shop.database, lanes: 8 });
    const unitOfWork = new UnitOfWork({ database: other, catalogue: [NoteWritten] });

    const atMigrate = await failureOf('SCHEMA_MISMATCH', () => other.migrate());
    const atStart = await failureOf('SCHEMA_MISMATCH', () => other.verify());
    const atCommit = await failureOf('SCHEMA_MISMATCH', () => unitOfWork.run(async ({ track }) => track(new Notebook('lanes')).write('x')));

    expect(atMigrate.message).to.contain('16 lanes').and.to.contain('8').and.to.contain('lanes: 16');
    expect([atStart.message, atCommit.message]).to.deep.equal([atMigrate.message, atMigrate.message]);
    expect(await messages()).to.equal(0);
  });

  it('refuses collections that a newer version made', async () => {
    const newer = await openShop({ prefix: 'newer_' });
    await newer.db.collection<{ _id: string }>('newer_identity').updateOne({ _id: 'outbox' }, { $set: { version: 99 } });

    const error = await failureOf('SCHEMA_MISMATCH', () => newer.waybill.migrate());

    expect(error.message).to.contain('99').and.to.contain('Upgrade @waybill/mongodb');
    await newer.close();
  });

  for (const [option, value] of [
    ['database', ''],
    ['database', 'a.b'],
    ['database', 'a b'],
    ['database', 'x'.repeat(64)],
    ['outboxDatabase', '$cmd'],
    ['prefix', 'a$b'],
    ['prefix', 'system.'],
    ['lanes', 0],
    ['lanes', 1.5],
    ['lanes', 1_025],
    ['retryForMs', -1],
    ['commitTimeoutMs', Number.NaN],
  ] as const) {
    it(`refuses ${option} ${JSON.stringify(value)}, by name`, async () => {
      const options = { client: shop.client, database: 'good', [option]: value };

      const error = await failureOf('INVALID_OPTIONS', async () => new MongoDBDatabase(options));

      expect(error.message).to.contain(option);
    });
  }

  it('says that the database cannot be reached, and that nothing was committed', async () => {
    const client = new MongoClient('mongodb://127.0.0.1:1/?replicaSet=rs0', { serverSelectionTimeoutMS: 300 });
    const waybill = new MongoDBDatabase({ client, database: 'nowhere' });
    const unitOfWork = new UnitOfWork({ database: waybill, catalogue: [NoteWritten] });

    const atCommit = await failureOf('DATABASE_UNAVAILABLE', () =>
      unitOfWork.run(async ({ track }) => track(new Notebook('1')).write('x')),
    );
    const atMigrate = await failureOf('DATABASE_UNAVAILABLE', () => waybill.migrate());
    const again = await failureOf('DATABASE_UNAVAILABLE', () => waybill.migrate());
    expect(again.message, 'a client whose first connection failed is told to connect again').to.contain('ECONNREFUSED');

    expect(atCommit.message).to.contain('Nothing was committed').and.to.contain('ECONNREFUSED');
    expect(atMigrate.cause).to.be.an('error');
    await client.close();
  });

  it('does not take a transaction for committed in which an error was swallowed', async () => {
    await shop.db.collection('own').createIndex({ key: 1 }, { unique: true });
    await shop.db.collection('own').insertOne({ key: 'taken' });
    let runs = 0;

    await failureOf('TRANSACTION_ROLLED_BACK', () =>
      shop.unitOfWork.run(async ({ tx }) => {
        runs++;
        await tx.db
          .collection('own')
          .insertOne({ key: 'taken' }, { session: tx.session })
          .catch(() => {});
      }),
    );

    expect(runs).to.be.below(10);
    await failureOf('TRANSACTION_ROLLED_BACK', () =>
      shop.unitOfWork.run(async ({ tx, track }) => {
        await tx.db
          .collection('own')
          .insertOne({ key: 'taken' }, { session: tx.session })
          .catch(() => {});
        track(new Notebook('behind-it')).write('x');
      }),
    );
  });

  it('does not take a transaction for committed that the work itself has ended', async () => {
    await failureOf('TRANSACTION_ROLLED_BACK', () => shop.unitOfWork.run(async ({ tx }) => tx.session.abortTransaction()));
    for (const end of ['abortTransaction', 'commitTransaction'] as const) {
      const error = await failureOf('INVALID_OPTIONS', () =>
        shop.unitOfWork.run(async ({ tx, track }) => {
          await tx.db.collection('own').insertOne({ key: end }, { session: tx.session });
          await tx.session[end]();
          track(new Notebook(end)).write('x');
        }),
      );
      expect(error.message).to.match(/no open transaction|committed the transaction itself/);
    }

    expect(await messages()).to.equal(0);
  });

  it("passes on unchanged what MongoDB says of the application's own documents", async () => {
    const error: unknown = await shop.unitOfWork
      .run(async ({ tx, track }) => {
        track(new Notebook('unique')).write('x');
        await tx.db.collection('own').insertOne({ key: 'taken' }, { session: tx.session });
      })
      .catch((thrown: unknown) => thrown);

    expect(error).to.include({ code: 11000 });
    expect(await messages()).to.equal(0);
  });

  it('refuses a message that no document can hold, with its size, and commits nothing', async () => {
    const Large = defineEvent('Large', unchecked<string>());
    const unitOfWork = new UnitOfWork({ database: shop.waybill, catalogue: [Large], maxPayloadBytes: 32_000_000 });

    const error = await failureOf('PAYLOAD_TOO_LARGE', () =>
      unitOfWork.run(async ({ append }) => append('large', Large('x'.repeat(17_000_000)))),
    );
    const fits = await unitOfWork.run(async ({ append }) => append('large', Large('x'.repeat(15_000_000))));

    expect(error).to.include({ type: 'Large', stream: 'key-large' });
    expect(error.bytes).to.be.above(17_000_000);
    expect(fits.messages).to.have.length(1);
  });

  it("passes on what the driver says of an application's document that is too large, and commits nothing", async () => {
    const before = await messages();
    for (const size of [16_800_000, 20_000_000]) {
      const error: unknown = await shop.unitOfWork
        .run(async ({ tx, track }) => {
          track(new Notebook(`large-${size}`)).write('x');
          await tx.db.collection('own').insertOne({ text: 'x'.repeat(size) }, { session: tx.session });
        })
        .catch((thrown: unknown) => thrown);

      expect(error, String(size)).to.be.an('error');
    }

    expect(await messages()).to.equal(before);
  });
});
