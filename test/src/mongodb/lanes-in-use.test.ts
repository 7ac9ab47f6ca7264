import { MongoDBDatabase } from '@waybill/mongodb';
import { expect } from 'chai';
import { mongodbDatabase } from '../servers.js';
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
});
