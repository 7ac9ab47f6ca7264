import { aMessage, anAppend } from '@waybill/testing';
import { expect } from 'chai';
import { openShop } from './postgres-shop.js';
import type { PostgresShop } from './postgres-shop.js';

const ROWS = 200_000;
const PAGE = 500;

// Times are for the benchmarks; a plan that reads everything behind the checkpoint shows in the pages that it touches.
describe(`a page of ${PAGE} out of ${ROWS} rows`, function () {
  this.timeout(60_000);
  let shop: PostgresShop;
  before(async () => {
    shop = await openShop();
    const { transactions, outbox } = shop.database;
    const streams = Array.from({ length: 100 }, (_, nth) => anAppend(`many-${nth}`, { messages: [aMessage()] }));
    await transactions.run((tx) => outbox.append(streams, tx));
    // Copies of real rows, with positions and revisions of their own: appending each would take longer than the test.
    await shop.pool.query(
      `insert into waybill.outbox (lane, stream_hash, stream, revision, id, kind, type, schema_version, codec, payload, metadata, occurred_at)
       select lane, stream_hash, stream, revision + n, id, kind, type, schema_version, codec, payload, metadata, occurred_at
       from waybill.outbox, generate_series(1, $1::integer) as n
       order by n`,
      [ROWS / 100 - 1],
    );
    await shop.pool.query('vacuum analyze waybill.outbox');
  });
  after(() => shop.close());

  async function pagesTouched(call: string): Promise<number> {
    const { rows } = await shop.pool.query<{ 'QUERY PLAN': readonly [{ Plan: Record<string, number> }] }>(
      `explain (analyze, buffers, format json) select * from waybill.${call}`,
    );
    const { Plan } = rows[0]!['QUERY PLAN'][0];
    expect(Plan['Actual Rows']).to.equal(PAGE);
    return Plan['Shared Hit Blocks']! + Plan['Shared Read Blocks']!;
  }

  for (const [what, window] of [
    ['a window that is just opened', `'1:1:', null, 0, '0'`],
    ['an open window', `'1:1:', pg_current_snapshot(), 100000, null`],
  ] as const) {
    it(`touches few pages in ${what}, for one lane`, async () => {
      expect(await pagesTouched(`read_lane(3, ${window}, null, null, ${PAGE})`)).to.be.below(3 * PAGE);
    });

    it(`touches few pages in ${what}, for all lanes in one order`, async () => {
      expect(await pagesTouched(`read_all(${window}, null, null, ${PAGE})`)).to.be.below(3 * PAGE);
    });
  }

  it('touches next to nothing when everything is delivered', async () => {
    const { rows } = await shop.pool.query<{ 'QUERY PLAN': readonly [{ Plan: Record<string, number> }] }>(
      `explain (analyze, buffers, format json) select * from waybill.read_lane(3, pg_current_snapshot(), null, $1::bigint, '999999', null, null, ${PAGE})`,
      [ROWS],
    );

    const { Plan } = rows[0]!['QUERY PLAN'][0];
    expect(Plan['Actual Rows']).to.equal(0);
    expect(Plan['Shared Hit Blocks']! + Plan['Shared Read Blocks']!).to.be.below(100);
  });
});
