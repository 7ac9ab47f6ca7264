import { PostgresDatabase } from '@waybill/postgres';
import { aMessage, anAppend, leaseRoute } from '@waybill/testing';
import { expect } from 'chai';
import type { Pool } from 'pg';
import { openShop } from './postgres-shop.js';
import type { PostgresShop } from './postgres-shop.js';

const ROWS = 200_000;
const STREAM = 'many-7';

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly Node[];
}

describe(`the status of a message out of ${ROWS}`, function () {
  this.timeout(120_000);
  let shop: PostgresShop;
  let id: string;
  before(async () => {
    shop = await openShop();
    const { transactions, outbox } = shop.database;
    const streams = Array.from({ length: 100 }, (_, nth) => anAppend(`many-${nth}`, { messages: [aMessage()] }));
    await transactions.run((tx) => outbox.append(streams, tx));
    // Copies of real rows, as in the test of reading.
    await shop.pool.query(
      `insert into waybill.outbox (lane, stream_hash, stream, revision, id, kind, type, schema_version, codec, payload, metadata, occurred_at)
       select lane, stream_hash, stream, revision + n, gen_random_uuid(), kind, type, schema_version, codec, payload, metadata, occurred_at
       from waybill.outbox, generate_series(1, $1::integer) as n
       order by n`,
      [ROWS / 100 - 1],
    );
    await shop.pool.query(`update waybill.stream set revision = $1 where stream = $2`, [ROWS / 100 - 1, STREAM]);
    for (const name of ['one', 'two']) await leaseRoute(shop.database, { name, start: 'beginning' });
    await shop.database.routes.save({ name: 'tail', order: 'global', selection: {}, start: 'now' }); // past all of them
    await shop.pool.query(
      `insert into waybill.delivery_history (route_number, lane, at, instance, outcome, message_ids, started_at, duration_ms)
       select 1 + n % 2, n % 16, now(), 'one', case when n % 50 = 0 then 'rejected' else 'delivered' end, array[gen_random_uuid()], now(), 1
       from generate_series(1, 20000) as n`,
    );
    await shop.pool.query('vacuum analyze');
    id = (await shop.pool.query<{ id: string }>('select id from waybill.outbox where stream = $1 and revision = 1000', [STREAM])).rows[0]!
      .id;
  });
  after(() => shop.close());

  async function scanned(query: string, values: readonly unknown[]): Promise<readonly string[]> {
    const { rows } = await shop.pool.query<{ 'QUERY PLAN': readonly [{ Plan: Node }] }>(`explain (format json) ${query}`, [...values]);
    const scans = ({ 'Node Type': type, 'Relation Name': relation, Plans = [] }: Node): readonly string[] => [
      ...(relation === undefined ? [] : [`${type} of ${relation}`]),
      ...Plans.flatMap(scans),
    ];
    return scans(rows[0]!['QUERY PLAN'][0].Plan);
  }

  for (const [what, condition, value] of [
    ['one message', 'message_id = $1', () => id],
    ['one stream', 'stream = $1', () => STREAM],
    ['a part of a stream', 'stream = $1 and revision between 500 and 520', () => STREAM],
  ] as const) {
    it(`reads no table from end to end in the view, for ${what}`, async () => {
      const scans = await scanned(`select * from waybill.outbox_status where ${condition}`, [value()]);

      expect(scans.filter((scan) => /of outbox$/.test(scan))).to.not.be.empty;
      expect(scans.filter((scan) => /^Seq Scan of (outbox|delivery_history)$/.test(scan))).to.deep.equal([]);
    });
  }

  for (const [what, ask] of [
    ['one message', async ({ status }: PostgresDatabase) => (await status.messages({ messageId: id })).map(({ revision }) => revision)],
    [
      'a part of a stream',
      async ({ status }: PostgresDatabase) =>
        (await status.messages({ stream: STREAM, from: 1_000n, most: 1 })).map(({ revision }) => revision),
    ],
    [
      'the tail of a stream',
      async ({ lanes, leases }: PostgresDatabase) => {
        const [grant] = await leases.acquire({ route: 'tail', owner: 'test', leaseMs: 60_000, most: 1 });
        const upTo = grant!.progress.checkpoint;
        const options = { route: 'tail', lane: 0, order: 'global', selection: {}, stream: STREAM, from: 1_000n, upTo, limit: 2 } as const;
        return (await lanes.readTail(options)).map(({ revision }) => revision);
      },
    ],
  ] as const) {
    it(`reads no table from end to end when it is asked for ${what}`, async () => {
      const asked: [text: string, values: readonly unknown[]][] = [];
      const listening = Object.create(shop.pool) as Pool;
      listening.query = ((text: string, values: readonly unknown[]) => {
        asked.push([text, values]);
        return shop.pool.query(text, [...values]);
      }) as Pool['query'];

      const answer = await ask(new PostgresDatabase({ pool: listening }));

      expect(answer[0]).to.equal(1_000n);
      const scans = (await Promise.all(asked.slice(-1).map(([text, values]) => scanned(text, values)))).flat();
      expect(scans.filter((scan) => /of outbox$/.test(scan))).to.not.be.empty;
      expect(scans.filter((scan) => /^Seq Scan of (outbox|delivery_history)$/.test(scan))).to.deep.equal([]);
    });
  }
});
