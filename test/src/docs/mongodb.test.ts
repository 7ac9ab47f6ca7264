import { Dispatcher, projector, UnitOfWork } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { MongoDBDatabase } from '@waybill/mongodb';
import type { MongoDBTx } from '@waybill/mongodb';
import { expect } from 'chai';
import { MongoClient } from 'mongodb';
import mongoose from 'mongoose';
import { mongodbDatabase } from '../servers.js';
import { Order, OrderPlaced } from '../shop/order.js';

describe('the page about MongoDB', function () {
  this.timeout(30_000);

  it('puts an application together', async () => {
    const { url, database: shop } = await mongodbDatabase();
    const sink = new InMemorySink();
    // #region setup
    const client = new MongoClient(url);
    const database = new MongoDBDatabase({ client, database: shop });
    await database.migrate();

    const orderList = projector<MongoDBTx>('order-list').on(OrderPlaced, ({ stream, data }, { tx: { db, session } }) =>
      db
        .collection<{ _id: string }>('order_list')
        .updateOne({ _id: stream }, { $set: { customerId: data.customerId } }, { session, upsert: true }),
    );

    const catalogue = [OrderPlaced];
    const unitOfWork = new UnitOfWork({ database, catalogue, projectors: [orderList] });
    const dispatcher = new Dispatcher({ database, catalogue, routes: { orders: { sink } } });
    // #endregion
    await dispatcher.start();

    const receipt = await unitOfWork.run(async ({ track }) => void track(Order.placed('7')));

    expect(await dispatcher.delivered(receipt, 'orders')).to.equal('delivered');
    expect(
      await client
        .db(shop)
        .collection('order_list')
        .countDocuments({ _id: 'order-7' } as never),
    ).to.equal(1);
    await dispatcher.stop();
    await client.close();
  });

  it('joins a transaction of Mongoose', async () => {
    const { url, database: shop } = await mongodbDatabase();
    const connection = await mongoose.createConnection(url, { dbName: shop }).asPromise();
    const Invoice = connection.model('Invoice', new mongoose.Schema({ order: String }));
    await Invoice.createCollection();
    // #region mongoose
    const client = connection.getClient();
    const database = new MongoDBDatabase({ client, database: shop });
    await database.migrate();
    const unitOfWork = new UnitOfWork({ database, catalogue: [OrderPlaced] });

    const receipt = await connection.transaction(async (session) => {
      await Invoice.create([{ order: '7' }], { session });
      return unitOfWork.join({ session, db: client.db(shop) }, async ({ track }) => void track(Order.placed('7')));
    });
    receipt.committed();
    // #endregion

    expect(receipt.messages).to.have.length(1);
    expect(await Invoice.countDocuments()).to.equal(1);
    await connection.close();
  });
});
