import { anAppend, aSettlement } from '@waybill/testing';
import { expect } from 'chai';
import type { Document } from 'mongodb';
import { commandsOf } from './commands-of.js';
import { openShop } from './mongodb-shop.js';
import type { MongoDBShop } from './mongodb-shop.js';

describe('retention on MongoDB', function () {
  this.timeout(60_000);
  let shop: MongoDBShop;
  beforeEach(async () => (shop = await openShop({ lanes: 1, changeStream: false, clientOptions: { monitorCommands: true } })));
  afterEach(() => shop.close());

  const append = (stream: string, count = 1): Promise<{ readonly transactionId: string }> =>
    shop.waybill.transactions.run((tx) => {
      const messages = Array.from({ length: count }, () => anAppend(stream).messages[0]!);
      return shop.waybill.outbox.append([anAppend(stream, { messages })], tx);
    });

  /** One route, which has delivered everything. */
  async function deliver(): Promise<void> {
    await shop.waybill.routes.save({ name: 'all', order: 'stream', selection: {}, start: 'beginning' });
    const last = BigInt(await shop.waybill.wakeUps.pulse());
    const [lane] = await shop.waybill.leases.acquire({ route: 'all', owner: 'one', leaseMs: 60_000, most: 1 });
    await shop.waybill.lanes.settle(lane!.lease, aSettlement({ position: last } as never));
  }

  it('removes in transactions of a thousand at most, from the front of the lane', async () => {
    for (let nth = 0; nth < 5; nth++) await append(`order-${nth % 2}`, 500);
    await deliver();

    const sent = await commandsOf(shop.client, () => shop.waybill.retention.removeMessages({ olderThanMs: 0, most: 2_200 }));

    const removed = sent.flatMap(({ delete: collection, deletes }) =>
      collection === 'waybill_outbox' ? [((deletes as Document[])[0]!['q'] as { _id: { $in: unknown[] } })._id.$in.length] : [],
    );
    expect(removed).to.deep.equal([1_000, 1_000, 200]);
    const left = await shop.db.collection('waybill_outbox').find().sort({ position: 1 }).toArray();
    expect(left.map(({ position }) => position as number)).to.deep.equal(Array.from({ length: 300 }, (_, nth) => 2_201 + nth));
  });

  it('leaves the outcome of a commit unknown whose message it has removed, and tells it at once', async () => {
    const { transactionId } = await append('order-1');
    await deliver();
    await shop.waybill.retention.removeMessages({ olderThanMs: 0, most: 10 });
    const begun = performance.now();

    const outcome = await shop.waybill.transactions.outcome(transactionId);

    expect(outcome).to.equal('unknown');
    expect(performance.now() - begun).to.be.below(5_000);
  });

  it('keeps what has no position yet', async () => {
    await append('order-1');
    await deliver();
    await append('order-1');

    const removed = await shop.waybill.retention.removeMessages({ olderThanMs: 0, most: 10 });

    expect(removed).to.equal(1);
    expect(await shop.db.collection('waybill_outbox').countDocuments({ pending: true })).to.equal(1);
  });
});
