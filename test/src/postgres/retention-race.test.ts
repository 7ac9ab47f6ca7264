import { setTimeout as pause } from 'node:timers/promises';
import type { OutboxRow } from '@waybill/core';
import { aMessage, anAppend, aStoppedStream, leaseRoute, readNext, settleLane } from '@waybill/testing';
import type { HeldLane, LeasedRoute } from '@waybill/testing';
import { expect } from 'chai';
import { openShop } from './postgres-shop.js';
import type { PostgresShop } from './postgres-shop.js';

const RACE_MS = 4_000;
const STREAMS = 20;
const HOLES = `
  select o.stream, array_agg(o.revision order by o.revision)::text as left
  from waybill.outbox as o
  join waybill.stream as head on head.stream = o.stream
  group by o.stream, head.revision
  having count(*) <> max(o.revision) - min(o.revision) + 1 or max(o.revision) <> head.revision`;

describe('retention on PostgreSQL, beside everybody else', function () {
  this.timeout(60_000);
  let shop: PostgresShop;
  before(async () => (shop = await openShop({ lanes: 4 })));
  after(() => shop.close());

  const chance = (share: number): boolean => Math.random() < share;

  /** Commits two messages each to one or two streams, slowly now and then, until the race is over. */
  async function write(over: AbortSignal): Promise<void> {
    const { transactions, outbox } = shop.database;
    while (!over.aborted) {
      const streams = new Set([0, 1].map(() => `s-${Math.floor(Math.random() * STREAMS)}`));
      await transactions.run(async (tx) => {
        await outbox.append(
          [...streams].map((stream) => anAppend(stream, { messages: [aMessage(), aMessage()] })),
          tx,
        );
        if (chance(0.3)) await pause(Math.random() * 20);
      });
    }
  }

  /** Delivers a lane, parks streams now and then, and redrives them when there is nothing else to do; all of it is delivered in the end. */
  async function dispatch(route: LeasedRoute, lane: HeldLane, over: AbortSignal, deliver: (row: OutboxRow) => void): Promise<void> {
    const parked = new Map<string, bigint>();
    for (let looksInVain = 0; looksInVain < 5;) {
      const { rows, through } = await readNext(route, lane, 30);
      const waiting = rows.filter(({ stream, revision }) => {
        if (!parked.has(stream) && !over.aborted && chance(0.02)) parked.set(stream, revision);
        return !parked.has(stream);
      });
      waiting.forEach(deliver);
      await settleLane(route, lane, { checkpoint: through, stopped: [...parked].map((entry) => aStoppedStream(...entry)) });
      if (rows.length > 0) continue;
      looksInVain = over.aborted ? looksInVain + 1 : 0;
      for (const [stream, from] of parked) await redrive(route, lane, stream, from, deliver);
      parked.clear();
      await pause(5);
    }
  }

  async function redrive(
    route: LeasedRoute,
    lane: HeldLane,
    stream: string,
    from: bigint,
    deliver: (row: OutboxRow) => void,
  ): Promise<void> {
    const { name, order, selection, lanes } = route;
    const place = { route: name, lane: lane.lease.lane, order, selection, stream, upTo: lane.checkpoint, limit: 10_000 };
    (await lanes.readTail({ ...place, from })).forEach(deliver);
    await settleLane(route, lane, { resumed: [stream] });
  }

  /** Removes in small chunks, and looks for holes. */
  async function remove({ database, pool }: PostgresShop, over: AbortSignal): Promise<readonly unknown[]> {
    const holes: unknown[] = [];
    while (!over.aborted) {
      await database.retention.removeMessages({ olderThanMs: chance(0.5) ? 0 : 100, most: 1 + Math.floor(Math.random() * 40) });
      if (chance(0.3)) holes.push(...(await pool.query<{ stream: string; left: string }>(HOLES)).rows);
    }
    return holes;
  }

  it('leaves no hole, takes nothing that is not delivered, and everything that is', async () => {
    const other = await openShop({ lanes: 4 }, shop.url);
    const routes = await Promise.all(
      (['stream', 'global'] as const).map((order) => leaseRoute(shop.database, { order, start: 'beginning' })),
    );
    const delivered = routes.map(() => new Map<string, bigint[]>());
    const over = AbortSignal.timeout(RACE_MS);
    const removing = [shop, other].map((process) => remove(process, over));

    await Promise.all([
      ...Array.from({ length: 6 }, () => write(over)),
      ...routes.flatMap((route, nth) =>
        route.held.map((lane) =>
          dispatch(route, lane, over, ({ stream, revision }) => {
            const revisions = delivered[nth]!.get(stream) ?? [];
            delivered[nth]!.set(stream, [...revisions, revision]);
          }),
        ),
      ),
    ]);

    expect((await Promise.all(removing)).flat()).to.deep.equal([]);
    const { rows: heads } = await shop.pool.query<{ stream: string; revision: string }>('select stream, revision from waybill.stream');
    for (const { stream, revision } of heads)
      for (const revisions of delivered)
        expect(revisions.get(stream), stream).to.deep.equal(Array.from({ length: Number(revision) + 1 }, (_, nth) => BigInt(nth)));
    while ((await shop.database.retention.removeMessages({ olderThanMs: 0, most: 1_000 })) > 0);
    expect((await shop.pool.query('select from waybill.outbox')).rows).to.have.length(0);
    await other.close();
  });
});
