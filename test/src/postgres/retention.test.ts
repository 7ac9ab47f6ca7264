import { randomUUID } from 'node:crypto';
import { laneOf, streamHash } from '@waybill/core';
import { PostgresDatabase } from '@waybill/postgres';
import { aMessage, anAppend, anAttempt, aStoppedStream, deliverAll, laneOfStream, leaseRoute, settleLane } from '@waybill/testing';
import type { LeasedRoute } from '@waybill/testing';
import { expect } from 'chai';
import type { PoolClient } from 'pg';
import { openShop } from './postgres-shop.js';
import type { PostgresShop } from './postgres-shop.js';

const ROWS = 40_000;

describe('retention on PostgreSQL', function () {
  this.timeout(60_000);
  let shop: PostgresShop;
  let route: LeasedRoute;
  beforeEach(async () => {
    shop = await openShop({ lanes: 2 });
    route = await leaseRoute(shop.database, { start: 'beginning' });
  });
  afterEach(() => shop.close());

  const commit = (stream: string, messages = 1): Promise<unknown> =>
    shop.database.transactions.run((tx) =>
      shop.database.outbox.append([anAppend(stream, { messages: Array.from({ length: messages }, () => aMessage()) })], tx),
    );
  const remove = (most: number): Promise<number> => shop.database.retention.removeMessages({ olderThanMs: 0, most });
  const rowsOf = async (stream: string): Promise<readonly number[]> =>
    (
      await shop.pool.query<{ revision: string }>('select revision from waybill.outbox where stream = $1 order by revision', [stream])
    ).rows.map(({ revision }) => Number(revision));

  /** Delivers everything, and leaves a stream of it out. */
  async function deliverBut(stopped: string): Promise<void> {
    await deliverAll(route, 5_000);
    await settleLane(route, laneOfStream(route, stopped), { stopped: [aStoppedStream(stopped, 0n)] });
  }

  /** What is dead to everybody else stays while this transaction is open. */
  async function idleReader(): Promise<PoolClient> {
    const reader = await shop.pool.connect();
    await reader.query('begin isolation level repeatable read');
    await reader.query('select count(*) from waybill.outbox');
    return reader;
  }

  it('makes no writer wait, and waits for none, while a reader is idle in its transaction', async () => {
    for (const stream of ['a-1', 'a-2', 'a-3']) await commit(stream, 1_000);
    await deliverAll(route, 5_000);
    const [reader, slow] = [await idleReader(), await shop.pool.connect()];
    await slow.query('begin');
    await shop.database.outbox.append([anAppend('a-1')], slow);

    let [removed, longest] = [0, 0];
    for (let chunk = 1; chunk > 0; removed += chunk) {
      const startedAt = performance.now();
      [chunk] = await Promise.all([remove(500), commit('a-2'), commit(`b-${removed}`)]);
      longest = Math.max(longest, performance.now() - startedAt);
    }

    expect(removed).to.equal(3_000);
    expect(longest, 'ms for a chunk and two commits beside it').to.be.below(3_000);
    const { rows } = await reader.query<{ n: string }>('select count(*) as n from waybill.outbox');
    expect(Number(rows[0]!.n)).to.equal(3_000); // the reader is undisturbed
    for (const client of [reader, slow]) {
      await client.query('commit');
      client.release();
    }
    expect(await rowsOf('a-1')).to.deep.equal([1_000]);
  });

  it('does not look again at what a call before has kept or removed, though no vacuum comes by', async () => {
    const parked = 'parked-1';
    await commit(parked, ROWS);
    const lane = laneOf(streamHash(parked), 2);
    const others = [1, 2, 3, 4, 5, 6].map((nth) => `other-${nth}`).filter((stream) => laneOf(streamHash(stream), 2) === lane);
    for (const stream of others) await commit(stream, 1_000);
    await deliverBut(parked);
    const reader = await idleReader();
    const pagesTouched = async (place: string): Promise<number> => {
      const { rows } = await shop.pool.query<{ 'QUERY PLAN': readonly [{ Plan: Record<string, number> }] }>(
        `explain (analyze, buffers, format json) select * from waybill.remove_messages(0, 100, ${lane}, ${place})`,
      );
      const { Plan } = rows[0]!['QUERY PLAN'][0];
      return Plan['Shared Hit Blocks']! + Plan['Shared Read Blocks']!;
    };

    const first = await pagesTouched('0');
    const { rows } = await shop.pool.query<{ place: string }>('select place::text as place from waybill.remove_messages(0, 100, $1, 0)', [
      lane,
    ]);
    const later = await pagesTouched(rows[0]!.place);

    expect(first).to.be.above(ROWS / 2);
    expect(later).to.be.below(2_000);
    await reader.query('commit');
    reader.release();
  });

  it('leaves no hole when a stream that was kept is delivered between two calls', async () => {
    const parked = 'parked-1';
    await commit(parked, 3);
    const neighbour = ['near-1', 'near-2', 'near-3', 'near-4'].find(
      (stream) => laneOf(streamHash(stream), 2) === laneOf(streamHash(parked), 2),
    )!;
    await commit(neighbour, 3);
    await commit(parked, 3);
    await deliverBut(parked);

    const first = await remove(2);
    await settleLane(route, laneOfStream(route, parked), { resumed: [parked] });
    const second = await remove(2);
    const between = await rowsOf(parked);
    const third = await remove(100);

    expect([first, second, third]).to.deep.equal([2, 2, 5]);
    expect(between).to.deep.equal([0, 1, 2, 3, 4, 5].slice(-between.length));
    expect(await rowsOf(parked)).to.deep.equal([]);
  });

  it('does not let a commit look rolled back whose answer was lost, where the message is gone already', async () => {
    const { transactions, outbox } = shop.database;
    const { transactionId } = await transactions.run((tx) => outbox.append([anAppend('a-1')], tx));
    const before = await transactions.outcome(transactionId);
    await deliverAll(route);
    await remove(10);

    expect([before, await transactions.outcome(transactionId)]).to.deep.equal(['committed', 'unknown']);
  });

  it('removes history of lanes that there are no longer', async () => {
    const ids = [randomUUID(), randomUUID()];
    for (const [nth, lane] of route.held.entries()) await settleLane(route, lane, { attempts: [anAttempt([ids[nth]!])] });
    await shop.database.leases.release(route.held.map(({ lease }) => lease));
    const narrow = new PostgresDatabase({ pool: shop.pool, lanes: 1, listen: false });
    await narrow.changeLanes();

    const removed = await narrow.retention.removeHistory({ olderThanMs: 0, most: 10 });

    expect(removed).to.equal(2);
  });

  it('is over soon where a long stopped stream lies before the last one that may go', async () => {
    const parked = 'parked-1';
    const near = ['near-1', 'near-2', 'near-3', 'near-4', 'near-5'].find(
      (stream) => laneOf(streamHash(stream), 2) === laneOf(streamHash(parked), 2),
    )!;
    await commit(near, 99);
    await commit(parked, ROWS / 4);
    await commit(near, 1);
    await deliverBut(parked);
    const { rows } = await shop.pool.query<{ 'QUERY PLAN': readonly [{ Plan: Record<string, number> }] }>(
      `explain (analyze, buffers, format json) select * from waybill.remove_messages(0, 100, ${laneOf(streamHash(parked), 2)}, 0)`,
    );
    const { Plan } = rows[0]!['QUERY PLAN'][0];

    expect(await rowsOf(near)).to.deep.equal([]);
    expect(Plan['Shared Hit Blocks']! + Plan['Shared Read Blocks']!, 'pages looked at').to.be.below(ROWS);
  });

  it('is known to who verifies: an outbox from elsewhere is refused though no row is left to tell', async () => {
    await commit('a-1');
    await deliverAll(route);
    await remove(10);
    await shop.pool.query(`update waybill.lane set ceiling = '999999999'`);

    const verified = await shop.database.verify().catch((error: unknown) => error);

    expect(verified).to.include({ code: 'DATABASE_REPLACED' });
  });
});
