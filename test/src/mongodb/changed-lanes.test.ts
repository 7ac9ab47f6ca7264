import { anAppend, anAttempt, aSettlement } from '@waybill/testing';
import { MongoDBDatabase } from '@waybill/mongodb';
import { expect } from 'chai';
import { openShop } from './mongodb-shop.js';
import type { MongoDBShop } from './mongodb-shop.js';

describe('the history on MongoDB, after the number of lanes was changed', function () {
  this.timeout(30_000);
  let shop: MongoDBShop;
  before(async () => (shop = await openShop({ lanes: 2, changeStream: false })));
  after(() => shop.close());

  const STREAMS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

  it('tells what was delivered before', async () => {
    await shop.waybill.routes.save({ name: 'all', order: 'stream', selection: {}, start: 'beginning' });
    for (const stream of STREAMS) await shop.waybill.transactions.run((tx) => shop.waybill.outbox.append([anAppend(stream)], tx));
    const checkpoint = { position: BigInt(await shop.waybill.wakeUps.pulse()) } as never;
    const grants = await shop.waybill.leases.acquire({ route: 'all', owner: 'one', leaseMs: 60_000, most: 2 });
    for (const { lease } of grants) {
      const rows = await shop.db.collection('waybill_outbox').find({ lane: lease.lane }).toArray();
      const attempts = [anAttempt(rows.map(({ id }) => id as string))];
      await shop.waybill.lanes.settle(lease, aSettlement(checkpoint, { attempts }));
    }
    await shop.waybill.leases.release(grants.map(({ lease }) => lease));

    const changed = new MongoDBDatabase({ client: shop.client, database: shop.database, lanes: 5 });
    await changed.changeLanes();

    for (const stream of STREAMS) {
      const [status] = await changed.status.messages({ stream });
      expect(status).to.deep.include({ status: 'DONE' }).and.to.have.property('processedAt').that.is.a('date');
      const [attempt] = await changed.status.attempts({ messageId: status!.messageId });
      expect(attempt).to.deep.include({ outcome: 'delivered', instance: 'one' });
    }
  });
});
