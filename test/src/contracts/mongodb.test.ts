import { MongoDBEmulator } from '@waybill/mongodb-emulator';
import {
  databaseContract,
  deliveredStreamsContract,
  deliveryHistoryContract,
  outboxStoreContract,
  repliesContract,
  settlementContract,
} from '@waybill/testing';
import type { DatabaseFixture } from '@waybill/testing';
import type { MongoDBTx } from '@waybill/mongodb';
import { MongoDBDoor } from '../mongodb/mongodb-door.js';
import { openShop } from '../mongodb/mongodb-shop.js';
import type { MongoDBShop, ShopOptions } from '../mongodb/mongodb-shop.js';
import { mongodbDatabase } from '../servers.js';

/** A migrated database; what it says of itself in `side_note` is the application's own. */
async function fixtureOn(options: ShopOptions = {}): Promise<DatabaseFixture<MongoDBTx>> {
  const shops: MongoDBShop[] = [];
  const open = async (at?: ShopOptions['at']): Promise<MongoDBShop> => {
    const shop = await openShop({ ...options, ...(at && { at }) });
    shops.push(shop);
    return shop;
  };
  const first = await open();
  await first.db.createCollection('side_note');
  return {
    database: first.waybill,
    write: async (key, { db, session }) => void (await db.collection('side_note').insertOne({ key }, { session })),
    written: async () => (await first.db.collection<{ key: string }>('side_note').find().toArray()).map(({ key }) => key),
    another: async () => (await open(first)).waybill,
    close: async () => void (await Promise.all(shops.map((shop) => shop.close()))),
  };
}

databaseContract('mongodb', () => fixtureOn(), { conflicts: 'at-commit', processes: true });

databaseContract(
  'mongodb behind a door that loses answers',
  async () => {
    const { url, database } = await mongodbDatabase();
    const door = await MongoDBDoor.before(url);
    const fixture = await fixtureOn({ at: { url: door.url, database }, commitTimeoutMs: 500 });
    return {
      ...fixture,
      loseNextCommit: (request) => door.loseNextCommit(request),
      close: async () => {
        await fixture.close();
        await door.close();
      },
    };
  },
  { conflicts: 'at-commit', processes: true, losesAnswers: true },
);

databaseContract(
  'mongodb with names of its own, and by polling only',
  async () => {
    const { database: outboxDatabase } = await mongodbDatabase();
    return fixtureOn({ prefix: 'orders.wb-', outboxDatabase, lanes: 4, changeStream: false });
  },
  { conflicts: 'at-commit', processes: false },
);

// Needs a server that can be told its version: the emulator. Before 8.0 heads and messages are two commands, and so are a lane and its history.
describe('before MongoDB 8.0', () => {
  let emulator: MongoDBEmulator;
  let databases = 0;
  before(async () => void (emulator = await MongoDBEmulator.start({ maxWireVersion: 21 })));
  after(() => emulator.stop());

  const open = (): Promise<DatabaseFixture<MongoDBTx>> => fixtureOn({ at: { url: emulator.url, database: `before_8_${databases++}` } });

  outboxStoreContract('mongodb 7', open, { conflicts: 'at-commit' });
  settlementContract('mongodb 7', open);
  repliesContract('mongodb 7', open);
  deliveredStreamsContract('mongodb 7', open);
  deliveryHistoryContract('mongodb 7', open);
});
