import { eventually, leaseRoute, settleLane } from '@waybill/testing';
import { expect } from 'chai';
import { failureOf } from '../shop/failure-of.js';
import { openShop } from './postgres-shop.js';
import type { PostgresShop } from './postgres-shop.js';

describe('routes on PostgreSQL', () => {
  let shop: PostgresShop;
  before(async () => (shop = await openShop({ lanes: 1 })));
  after(() => shop.close());

  it('never give an epoch twice, also where one is saved while it is being retired', async () => {
    const before = await leaseRoute(shop.database, { name: 'mail' });
    const retiring = await shop.pool.connect();
    await retiring.query('begin');
    await retiring.query(`update waybill.route set retired_at = now() where route = 'mail'`);
    await retiring.query(`delete from waybill.lane where route = 'mail'`);
    await retiring.query(`update waybill.identity set last_epoch = 1`);

    const saved = leaseRoute(shop.database, { name: 'mail' });
    await eventually('the route waiting to be saved', async () => {
      const { rows } = await shop.pool.query('select from pg_locks where not granted');
      return rows.length > 0 || undefined;
    });
    await retiring.query('commit');
    retiring.release();

    expect((await saved).held[0]!.lease.epoch > before.held[0]!.lease.epoch).to.equal(true);
    await failureOf('LEASE_LOST', () => settleLane(before, before.held[0]!));
  });
});
