import { MongoDBDatabase } from '@waybill/mongodb';
import { expect } from 'chai';
import { mongodbDatabase } from '../servers.js';
import { failureOf } from '../shop/failure-of.js';
import { MongoDBDoor } from './mongodb-door.js';
import { openShop } from './mongodb-shop.js';

/** A change of the number of lanes, and a dispatcher that starts in the middle of it. */
describe('lanes of MongoDB that are to be changed', () => {
  const opened: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
  });

  it('stay as they are when a dispatcher signs on after it was looked who is alive', async () => {
    const { url, database } = await mongodbDatabase();
    const door = await MongoDBDoor.before(url);
    opened.push(door);
    const dispatching = await openShop({ at: { url, database }, lanes: 4, changeStream: false });
    opened.push(dispatching);
    const changing = await openShop({ at: { url: door.url, database }, lanes: 4, changeStream: false });
    opened.push(changing);
    const { instances, routes, leases } = dispatching.waybill;
    await routes.save({ name: 'all', order: 'stream', selection: {}, start: 'beginning' });
    const beat = { route: 'all', id: 'run-1', name: 'host-1', aliveMs: 60_000 };
    await instances.beat(beat);
    await instances.leave('all', beat.id);
    const withEight = new MongoDBDatabase({ client: changing.client, database, lanes: 8, changeStream: false });
    let looks = 0;
    door.judge = (command) => (command['delete'] === 'waybill_instances' && looks++ === 0 ? 'hold' : 'pass');

    const change = withEight.changeLanes().then(
      () => 'changed',
      (error: { readonly code?: string }) => error.code,
    );
    await door.held;
    await instances.beat(beat);
    door.open();

    expect(await change).to.equal('LANES_IN_USE');
    expect(await leases.laneCount('all')).to.equal(4);
    expect((await instances.live()).map(({ id }) => id)).to.deep.equal(['run-1']);
  });

  it('are as many as the others for a route that is saved meanwhile, or it is refused', async () => {
    const { url, database } = await mongodbDatabase();
    const [saverDoor, changerDoor] = [await MongoDBDoor.before(url), await MongoDBDoor.before(url)];
    opened.push(saverDoor, changerDoor);
    const saving = await openShop({ at: { url: saverDoor.url, database }, lanes: 4, changeStream: false });
    opened.push(saving);
    const changing = await openShop({ at: { url: changerDoor.url, database }, lanes: 4, changeStream: false });
    opened.push(changing);
    const withEight = new MongoDBDatabase({ client: changing.client, database, lanes: 8, changeStream: false });
    saverDoor.judge = (command) => ('commitTransaction' in command ? 'hold' : 'pass');
    const met = new Promise<void>((resolve) => {
      changerDoor.judge = (command) => ('abortTransaction' in command && resolve(), 'pass');
    });

    const save = saving.waybill.routes.save({ name: 'late', order: 'stream', selection: {}, start: 'beginning' }).catch(() => {});
    await saverDoor.held;
    const change = withEight.changeLanes();
    await Promise.race([change, met]);
    saverDoor.judge = () => 'pass';
    saverDoor.open();
    await Promise.all([save, change]);

    expect(await withEight.leases.laneCount('late')).to.be.oneOf([0, 8]);
  });

  it('keep their routes as they are until a change that was cut off has ended', async () => {
    const { url, database } = await mongodbDatabase();
    const door = await MongoDBDoor.before(url);
    opened.push(door);
    const shop = await openShop({ at: { url, database }, lanes: 4, changeStream: false });
    opened.push(shop);
    const { routes, leases } = shop.waybill;
    await routes.save({ name: 'all', order: 'stream', selection: {}, start: 'beginning' });
    const cutOff = await openShop({ at: { url: door.url, database }, lanes: 4, changeStream: false });
    opened.push(cutOff);
    door.judge = (command) => (command['aggregate'] === 'waybill_outbox' ? 'lose-request' : 'pass');
    const eight = { database, lanes: 8, changeStream: false };
    await failureOf('DATABASE_UNAVAILABLE', () => new MongoDBDatabase({ ...eight, client: cutOff.client }).changeLanes());

    for (const act of [() => routes.rename('all', 'other'), () => routes.retire('all')]) await failureOf('SCHEMA_MISMATCH', act);
    await new MongoDBDatabase({ ...eight, client: shop.client }).changeLanes();

    expect(await leases.laneCount('all')).to.equal(8);
    expect(await routes.find('other')).to.equal(undefined);
  });
});
