import { projectorOf } from '@waybill/core';
import { MongoDBDatabase } from '@waybill/mongodb';
import type { MongoDBTx } from '@waybill/mongodb';
import { MongoClient } from 'mongodb';
import { shippingOn } from '../shipping/shipping.js';
import { shopOn } from '../shop/shop.js';
import type { OpenedShipping, OpenedShop } from './opened-services.js';
import { MongoDBOrderList } from './mongodb-order-list.js';
import type { OrderDocument } from './mongodb-order-list.js';

/** What the check reads of Waybill's own documents. */
interface ProcessDocument {
  readonly _id: { readonly process: string; readonly key: string };
  readonly status?: string;
}
interface CaseDocument {
  readonly _id: string;
  readonly closed: { readonly reason: string } | null;
}
interface MessageDocument {
  readonly _id: object;
  readonly payload: string;
}

/** Waybill's collections and the service's own are in one database. */
function open(url: string, name: string) {
  const client = new MongoClient(url);
  const db = client.db(name);
  return {
    ...{ db, database: new MongoDBDatabase({ client, database: name, lanes: 4 }) },
    drop: async () => void (await db.dropDatabase()),
    close: () => client.close(),
  };
}

export function shopOnMongoDB(url: string, name: string): OpenedShop {
  const { database, db, drop, close } = open(url, name);
  return {
    ...{ drop, close },
    shop: (options) => shopOn<MongoDBTx>({ ...options, database, orderList: projectorOf(new MongoDBOrderList()) }),
    create: async () => {
      await database.migrate();
      await db.createCollection('order_list_1');
    },
    books: async () => {
      const orders = await db.collection<OrderDocument>('order_list_1').find().toArray();
      const placed = await db.collection<MessageDocument>('waybill_outbox').find({ type: 'OrderPlaced' }).toArray();
      const going = { $or: [{ status: { $in: ['running', 'compensating'] } }, { 'steps.state': 'stuck' }] };
      const open = await db.collection<ProcessDocument>('waybill_processes').find(going).toArray();
      const cases = await db.collection<CaseDocument>('waybill_cases').find().toArray();
      return {
        placed: placed.map(({ payload }) => (JSON.parse(payload) as { readonly orderId: string }).orderId),
        orders: orders.map(({ _id: orderId, ...order }) => ({ orderId, ...order })),
        open: open.map(({ _id, status }) => `${_id.process} ${_id.key} is ${status}`),
        openCases: cases.filter(({ closed }) => closed === null).length,
        closedCases: cases.flatMap(({ closed }) => closed?.reason ?? []),
      };
    },
  };
}

export function shippingOnMongoDB(url: string, name: string): OpenedShipping {
  const { database, db, drop, close } = open(url, name);
  const writeLabel = (orderId: string, tx: MongoDBTx): Promise<unknown> =>
    tx.db.collection('label').insertOne({ orderId }, { session: tx.session });
  return {
    ...{ drop, close },
    shipping: (options) => shippingOn<MongoDBTx>({ ...options, database, writeLabel }),
    create: async () => {
      await database.migrate();
      await db.createCollection('label');
    },
    books: async () => ({
      labels: (await db.collection<{ readonly orderId: string }>('label').find().toArray()).map(({ orderId }) => orderId),
    }),
  };
}
