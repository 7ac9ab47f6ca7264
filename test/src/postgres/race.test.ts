import { race } from '@waybill/testing';
import type { RaceOptions } from '@waybill/testing';
import type { PostgresTx } from '@waybill/postgres';
import { expect } from 'chai';
import { openShop } from './postgres-shop.js';
import type { PostgresShop } from './postgres-shop.js';

// 100,000 with `npm run test:full`.
const EVENTS = Number(process.env['WAYBILL_RACE_EVENTS'] ?? 5_000);

describe('the race on PostgreSQL', function () {
  this.timeout(60_000 + EVENTS * 10);
  let shop: PostgresShop;
  before(async () => {
    shop = await openShop();
    await shop.pool.query('create table side_note (key text)');
  });
  after(() => shop.close());

  const fixture = (): RaceOptions<PostgresTx>['fixture'] => ({
    database: shop.database,
    write: async (key, tx) => void (await tx.query('insert into side_note values ($1)', [key])),
    written: async () => (await shop.pool.query<{ key: string }>('select key from side_note')).rows.map(({ key }) => key),
    close: async () => {},
  });

  for (const order of ['stream', 'global'] as const) {
    it(`loses, reorders and doubles nothing with 20 writers, rollbacks and a foreign transaction of 2.5 s, in order "${order}"`, async () => {
      const { delivered, committed, ...wrong } = await race({
        fixture: fixture(),
        writers: 20,
        streams: 40,
        events: EVENTS,
        foreignTransactionMs: 2_500,
        order,
      });

      expect(delivered).to.equal(committed).and.to.be.at.least(EVENTS);
      expect(wrong).to.deep.equal({ lost: 0, inversions: 0, gaps: 0, duplicates: 0, phantoms: 0, causalInversions: 0 });
    });
  }
});
