import { Dispatcher } from '@waybill/core';
import type { Database } from '@waybill/core';
import { InMemorySink, InMemoryWitness } from '@waybill/core/in-memory';
import { MongoDBDatabase } from '@waybill/mongodb';
import { HalfDelivered, leaseRoute, settleLane } from '@waybill/testing';
import { expect } from 'chai';
import { Long } from 'mongodb';
import { openShop } from '../mongodb/mongodb-shop.js';
import type { MongoDBShop, ShopOptions } from '../mongodb/mongodb-shop.js';
import { failureOf } from '../shop/failure-of.js';
import { NoteWritten } from '../shop/notebook.js';
import { restoreDump } from './mongodb-dump.js';
import { seededRandom } from './seeded-random.js';

interface Identity {
  readonly _id: 'outbox';
  readonly collection: string;
}

describe('adopting a restored outbox on MongoDB', function () {
  this.timeout(60_000);
  const shops: MongoDBShop[] = [];
  afterEach(async () => void (await Promise.all(shops.splice(0).map((shop) => shop.close()))));

  async function open(options: ShopOptions = {}): Promise<MongoDBShop> {
    const shop = await openShop({ lanes: 4, changeStream: false, ...options });
    shops.push(shop);
    return shop;
  }
  async function original(seed: number): Promise<{ shop: MongoDBShop; scene: HalfDelivered }> {
    const shop = await open();
    return { shop, scene: await HalfDelivered.on(shop.waybill, seededRandom(seed)) };
  }
  async function dumpOf(shop: MongoDBShop): Promise<MongoDBShop> {
    const copy = await open();
    await restoreDump(shop.db, copy.db);
    return copy;
  }
  /** A disk snapshot keeps what a dump does not: the collection's own UUID. */
  async function snapshotOf(shop: MongoDBShop): Promise<MongoDBShop> {
    const copy = await dumpOf(shop);
    const [info] = await copy.db.listCollections({ name: 'waybill_outbox' }, { nameOnly: false }).toArray();
    const collection = (info as { info: { uuid: { toString(encoding: 'hex'): string } } }).info.uuid.toString('hex');
    await copy.db.collection<Identity>('waybill_identity').updateOne({ _id: 'outbox' }, { $set: { collection } });
    return copy;
  }
  const dispatcherOn = (database: Database, witness: InMemoryWitness): Dispatcher =>
    new Dispatcher({ database, catalogue: [NoteWritten], routes: { memory: { sink: new InMemorySink(), start: 'now' } }, witness });

  it('has exactly the rest delivered, in order', async () => {
    const { shop, scene } = await original(21);
    const { waybill } = await dumpOf(shop);
    await failureOf('DATABASE_REPLACED', () => waybill.verify());

    const { routes } = await waybill.adopt();

    await waybill.verify();
    expect(Object.fromEntries(routes.map(({ route, pending }) => [route, pending]))).to.include({
      cats: scene.pendingOn('cats').length,
      world: scene.pendingOn('world').length,
    });
    await scene.commit(waybill, seededRandom(121));
    await scene.expectTheRestOf(waybill);
  });

  it('has the rest delivered when the counter of the dump is behind messages and lanes', async () => {
    const { shop, scene } = await original(22);
    const { waybill, db } = await dumpOf(shop);
    await db.collection<{ _id: string }>('waybill_sequencer').updateOne({ _id: 'sequencer' }, { $set: { position: Long.fromNumber(3) } });

    await waybill.adopt();

    await scene.commit(waybill, seededRandom(122));
    await scene.expectTheRestOf(waybill);
  });

  it('does without a counter', async () => {
    const { shop, scene } = await original(23);
    const { waybill, db } = await dumpOf(shop);
    await db.collection('waybill_sequencer').deleteMany({});

    await waybill.adopt();

    await scene.commit(waybill, seededRandom(123));
    await scene.expectTheRestOf(waybill);
  });

  it('fences out whoever held a lane, gives the outbox a new id, and takes the name from the options', async () => {
    const { shop } = await original(24);
    const { waybill, url, database } = shop;
    const route = await leaseRoute(waybill, { name: 'held' });
    const { outboxId } = await waybill.identity.mark();
    const named = async (name: string): Promise<Database> => (await open({ at: { url, database }, name })).waybill;

    const adoption = await (await named('orders-staging')).adopt();

    expect(adoption.previousId).to.equal(outboxId);
    expect(await waybill.identity.mark()).to.include({ outboxId: adoption.outboxId, number: 0n });
    await failureOf('LEASE_LOST', () => settleLane(route, route.held[0]!));
    await (await named('orders-staging')).verify();
    const error = await failureOf('DATABASE_REPLACED', async () => (await named('orders-production')).verify());
    expect(error.message).to.contain('named "orders-staging"').and.to.contain('say "orders-production"');
  });

  it('is not needed where only the witness can tell, and is refused by it: a snapshot of a running system', async () => {
    const { shop } = await original(25);
    const witness = new InMemoryWitness();
    const running = dispatcherOn(shop.waybill, witness);
    await running.start();
    const { waybill } = await snapshotOf(shop);
    await running.stop();
    await waybill.verify();

    await failureOf('DATABASE_REPLACED', () => dispatcherOn(waybill, witness).start());

    await waybill.adopt();
    const next = dispatcherOn(waybill, witness);
    await next.start();
    await next.stop();
    const again = dispatcherOn(shop.waybill, witness); // and the original under its old id: it has to be stopped by whoever adopts the copy
    await again.start();
    await again.stop();
  });

  it('goes on with a change of lanes that was cut short', async () => {
    const { shop, scene } = await original(26);
    const { client, db, database } = shop;
    const other = new MongoDBDatabase({ client, database, lanes: 6, changeStream: false });
    await other.changeLanes();
    // As after a crash before the last step: the new lanes are not there yet.
    const left = await db.collection('waybill_lanes').find({ '_id.lane': 0 }, { promoteLongs: false }).toArray();
    const streamRoutes = left.filter((lane) => (lane._id as unknown as { route: string }).route !== 'world');
    await db.collection('waybill_lanes').deleteMany({ '_id.route': { $ne: 'world' } });
    await db
      .collection<{ _id: string }>('waybill_identity')
      .updateOne(
        { _id: 'outbox' },
        { $set: { lanes: 4, changing: { to: 6, lanes: streamRoutes.map(({ _id, position }) => ({ _id, position: position as Long })) } } },
      );
    const refused = await failureOf('SCHEMA_MISMATCH', () => other.verify());

    await other.changeLanes();

    expect(refused.message).to.contain('from 4 lanes to 6').and.to.contain('changeLanes()');
    await other.verify();
    await scene.expectTheRestOf(other);
  });
});
