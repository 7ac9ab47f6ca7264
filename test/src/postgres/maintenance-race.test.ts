import { setTimeout as pause } from 'node:timers/promises';
import { isWaybillError } from '@waybill/core';
import { PostgresDatabase } from '@waybill/postgres';
import { aMessage, anAppend, aStoppedStream, leaseRoute, readNext, settleLane } from '@waybill/testing';
import type { HeldLane, LeasedRoute } from '@waybill/testing';
import { expect } from 'chai';
import { openShop } from './postgres-shop.js';
import type { PostgresShop } from './postgres-shop.js';

const LANES = [7, 2, 9, 1, 4];
const STREAMS = 20;

describe('an outbox on PostgreSQL that is changed, adopted and renamed again and again while others commit to it', function () {
  this.timeout(60_000);
  let shop: PostgresShop;
  before(async () => (shop = await openShop({ lanes: 4, listen: false })));
  after(() => shop.close());

  /** Commits, rolls back now and then, and knows the first number of lanes for ever. */
  async function write(over: AbortSignal): Promise<void> {
    const { transactions, outbox } = shop.database;
    while (!over.aborted) {
      const streams = new Set([0, 1, 2].map(() => `s-${Math.floor(Math.random() * STREAMS)}`));
      const appends = [...streams].map((stream) => anAppend(stream, { messages: [aMessage(), aMessage()] }));
      const committed = transactions.run(async (tx) => {
        await outbox.append(appends, tx);
        await pause(Math.random() * 20);
        if (Math.random() < 0.1) throw new Error('rolled back');
      });
      await committed.catch((error: unknown) => {
        if (!isWaybillError(error, 'TRANSACTION_CONFLICT') && (error as Error).message !== 'rolled back') throw error;
      });
    }
  }

  type Delivered = Map<string, bigint[]>;

  async function deliver(route: LeasedRoute, lane: HeldLane, pages: number, delivered: Delivered): Promise<void> {
    const { name, order, selection, lanes } = route;
    for (let page = 0; page < pages; page++) {
      const left = new Set((await lanes.stopped(lane.lease)).map(({ stream }) => stream));
      const { rows, through } = await readNext(route, lane, 7);
      if (rows.length === 0) break;
      const bad = Math.random() < 0.1 && order === 'stream' ? rows.findLast(({ stream }) => !left.has(stream)) : undefined;
      await settleLane(route, lane, { checkpoint: through, stopped: bad ? [aStoppedStream(bad.stream, bad.revision)] : [] });
      for (const row of rows) if (row !== bad && !left.has(row.stream)) remember(delivered, row);
    }
    for (const { stream, fromRevision: from } of pages === Infinity ? await lanes.stopped(lane.lease) : []) {
      const tail = { route: name, lane: lane.lease.lane, order, selection, stream, from, upTo: lane.checkpoint, limit: 10_000 };
      (await lanes.readTail(tail)).forEach((row) => remember(delivered, row));
    }
  }
  const remember = (delivered: Delivered, { stream, revision }: { readonly stream: string; readonly revision: bigint }): unknown =>
    delivered.set(stream, [...(delivered.get(stream) ?? []), revision]);

  it('has every message delivered once and in order, to every route', async () => {
    const names = { stream: 'each', global: 'all' };
    const delivered = { stream: new Map() as Delivered, global: new Map() as Delivered };
    const over = new AbortController();
    const writing = Promise.all([1, 2, 3, 4].map(() => write(over.signal)));
    let { database } = shop;
    const deliverTo = async (pages: number): Promise<void> => {
      for (const order of ['stream', 'global'] as const) {
        const route = await leaseRoute(database, { name: names[order], order, start: 'beginning' });
        await Promise.all(route.held.map((lane) => deliver(route, lane, pages, delivered[order])));
        await database.leases.release(route.held.map(({ lease }) => lease));
      }
    };

    for (const [round, lanes] of LANES.entries()) {
      await deliverTo(10);
      database = new PostgresDatabase({ pool: shop.pool, lanes, listen: false });
      await database.changeLanes();
      if (round % 3 === 0) await database.adopt();
      expect(await database.routes.rename(names.stream, `each-${round}`)).to.equal(true);
      names.stream = `each-${round}`;
    }
    over.abort();
    await writing;
    await deliverTo(Infinity);

    const { rows: heads } = await shop.pool.query<{ stream: string; revision: string }>('select stream, revision from waybill.stream');
    for (const { stream, revision } of heads)
      for (const revisions of Object.values(delivered))
        expect(revisions.get(stream), stream).to.deep.equal(Array.from({ length: Number(revision) + 1 }, (_, nth) => BigInt(nth)));
  });
});
