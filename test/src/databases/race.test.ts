import { race } from '@waybill/testing';
import { expect } from 'chai';
import { onEveryDatabase } from './databases.js';
import type { OpenDatabase, OpenedDatabase } from './databases.js';

// 100,000 with `npm run test:full`.
const EVENTS = Number(process.env['WAYBILL_RACE_EVENTS'] ?? 5_000);

onEveryDatabase('the race', function <Tx>(open: OpenDatabase<Tx>) {
  let fixture: OpenedDatabase<Tx>;
  before(async () => (fixture = await open()));
  after(() => fixture.close());

  for (const order of ['stream', 'global'] as const) {
    it(`loses, reorders and doubles nothing with 20 writers, rollbacks and a foreign transaction of 2.5 s, in order "${order}"`, async function () {
      this.timeout(60_000 + EVENTS * 10);
      const { delivered, committed, ...wrong } = await race({
        fixture,
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
