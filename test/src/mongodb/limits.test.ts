import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { openShop } from './mongodb-shop.js';

describe('shared limits on MongoDB', function () {
  this.timeout(20_000);

  it('are filled on from where they are when the clock has gone back', async () => {
    const { db, waybill, close } = await openShop();
    const asking = async (): Promise<boolean> =>
      (await waybill.limits.acquire({ name: 'one', permit: randomUUID(), rate: { limit: 1, perMs: 50, burst: 1 }, permitMs: 60_000 }))
        .granted;
    await asking();
    await db.collection('waybill_limits').updateOne({}, { $set: { filledAt: new Date(Date.now() + 3_600_000), tokens: 0 } });

    expect(await asking()).to.equal(false);
    await sleep(60);
    expect(await asking()).to.equal(true);
    await close();
  });

  it('count no time twice for who waited for another one, and asks with an older time', async () => {
    const { db, waybill, close } = await openShop();
    const rate = { limit: 1, perMs: 1_000, burst: 1 };
    const asking = () => waybill.limits.acquire({ name: 'one', permit: randomUUID(), rate, permitMs: 60_000 });
    await asking();
    // As one leaves it behind that asked two seconds later, and came first.
    const filledAt = new Date(Date.now() + 2_000);
    await db.collection('waybill_limits').updateOne({}, { $set: { filledAt, tokens: 0 } });

    expect(await asking()).to.include({ granted: false, by: 'rate' });

    expect((await db.collection('waybill_limits').findOne())!['filledAt']).to.deep.equal(filledAt);
    await close();
  });
});
