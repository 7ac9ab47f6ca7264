import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { HeadAndTail, OutboxRow } from '@waybill/core';
import { after, before, beforeEach, describe, it } from 'mocha';
import { aMessage, anAppend } from '../builders/a-message.js';
import { aStoppedStream } from '../builders/a-stopped-stream.js';
import { gate } from '../builders/gate.js';
import { eventually } from '../builders/waiting.js';
import { deliverAll, laneOfStream, leaseRoute, readNext, settleLane } from '../ordering/leased-route.js';
import type { LeasedRoute, LeaseRouteOptions } from '../ordering/leased-route.js';
import type { OrderingPort } from '../ordering/ordering-contract.js';
import type { Fixture } from './fixture.js';

type Port = OrderingPort | 'status' | 'retention';

/** The suite of `Retention.removeMessages`: by proof of every route, by age, and from the front of each stream only. */
export function retentionContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`Retention of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());
    // Every route has a say in what is removed, those of earlier tests too.
    beforeEach(async () => {
      for (const { name: route } of await fixture.database.routes.all()) await fixture.database.routes.retire(route);
    });

    const aStream = (): string => `order-${randomUUID()}`;
    const lease = (options: LeaseRouteOptions = {}): Promise<LeasedRoute> =>
      leaseRoute(fixture.database, { order: 'global', start: 'beginning', ...options });
    const commit = (stream: string, count = 1): Promise<unknown> =>
      fixture.database.transactions.run((tx) =>
        fixture.database.outbox.append([anAppend(stream, { messages: Array.from({ length: count }, () => aMessage()) })], tx),
      );
    const headAndTail = (stream: string): Promise<HeadAndTail> =>
      fixture.database.transactions.run((tx) => fixture.database.outbox.headAndTail(stream, 0n, tx));
    const tail = async (stream: string): Promise<readonly bigint[]> => (await headAndTail(stream)).tail.map(({ revision }) => revision);
    const remove = (most = 1_000, olderThanMs = 0): Promise<number> => fixture.database.retention.removeMessages({ olderThanMs, most });
    /** Removes until a stream, all of which may go, is gone: by then anything else that may go is gone as well. */
    const removeUntilGone = (stream: string): Promise<unknown> =>
      eventually(`the removal of ${stream}`, async () => {
        await remove();
        return (await tail(stream)).length === 0 ? true : undefined;
      });

    /** Brings every lane to the end of what is committed, and stores the place. */
    async function passAll(route: LeasedRoute): Promise<void> {
      await deliverAll(route);
      for (const lane of route.held) await settleLane(route, lane);
    }
    /** Brings the stream's lane just past a revision. */
    async function passUpTo(route: LeasedRoute, stream: string, revision: bigint): Promise<void> {
      const lane = laneOfStream(route, stream);
      const rows: OutboxRow[] = [];
      for (let place = lane.checkpoint, more = true; more;) {
        const page = await readNext(route, { ...lane, checkpoint: place });
        [place, more] = [page.through, page.rows.length > 0];
        rows.push(...page.rows);
      }
      await settleLane(route, lane, { checkpoint: rows.find((row) => row.stream === stream && row.revision === revision)!.checkpoint });
    }

    // First of all, for it needs an outbox from which nothing was removed.
    it('lets the outbox say that messages were removed, and not before', async () => {
      const stream = aStream();
      await commit(stream);
      const route = await lease();
      await passAll(route);
      const before = await fixture.database.routes.outbox();

      await removeUntilGone(stream);

      expect(before).to.deep.equal({ empty: false, removed: false });
      expect(await fixture.database.routes.outbox()).to.deep.equal({ empty: false, removed: true });
    });

    it('removes what every route has passed, in whatever order they run', async () => {
      const streams = Array.from({ length: 5 }, aStream);
      for (const stream of streams) await commit(stream, 3);
      for (const order of ['stream', 'global'] as const) await passAll(await lease({ order }));

      for (const stream of streams) await removeUntilGone(stream);

      for (const stream of streams) expect(await headAndTail(stream)).to.deep.equal({ head: 2n, tail: [] });
    });

    it('keeps the heads: a later append follows on, and is delivered', async () => {
      const stream = aStream();
      await commit(stream, 2);
      const routes = [await lease(), await lease({ order: 'stream' })];
      for (const route of routes) await passAll(route);
      await removeUntilGone(stream);

      const { firstRevisions } = await fixture.database.transactions.run((tx) =>
        fixture.database.outbox.append([anAppend(stream, { expected: 1n })], tx),
      );

      expect(firstRevisions).to.deep.equal([2n]);
      for (const route of routes) {
        const delivered = (await deliverAll(route)).map((row) => `${row.stream}@${row.revision}`);
        expect(delivered).to.deep.equal([`${stream}@2`]);
      }
    });

    for (const order of ['stream', 'global'] as const) {
      it(`keeps what one of the routes has not passed, in order "${order}"; loading sees it`, async () => {
        const [stream, gone] = [aStream(), aStream()];
        await commit(gone);
        await commit(stream, 2);
        await commit(stream, 2);
        const slow = await lease({ order });
        await passAll(await lease());
        await passUpTo(slow, gone, 0n);
        await passUpTo(slow, stream, 1n);

        await eventually(
          'the removal of what both have passed',
          async () => (await remove(), (await tail(stream)).length < 4 ? true : undefined),
        );
        await removeUntilGone(gone);

        expect(await tail(stream)).to.deep.equal([2n, 3n]);
        expect((await deliverAll(slow)).map(({ revision, ...row }) => `${row.stream}@${revision}`)).to.include.members([
          `${stream}@2`,
          `${stream}@3`,
        ]);
      });

      it(`keeps what a stopped stream waits with, in order "${order}", until it is resumed`, async () => {
        const [stream, gone] = [aStream(), aStream()];
        await commit(stream, 4);
        await commit(gone, 2);
        const route = await lease({ order });
        await passAll(await lease());
        await passAll(route);
        await settleLane(route, laneOfStream(route, stream), { stopped: [aStoppedStream(stream, 2n)] });

        await removeUntilGone(gone);
        const kept = await tail(stream);
        await settleLane(route, laneOfStream(route, stream), { resumed: [stream] });
        await removeUntilGone(stream);

        expect(kept).to.deep.equal([2n, 3n]);
      });
    }

    it('removes nothing without a route, for there is no proof', async () => {
      const stream = aStream();
      await commit(stream, 2);

      const withoutRoute = await remove();
      const route = await lease();
      await passAll(route);
      await fixture.database.routes.retire(route.name);
      const onlyRetired = await remove();
      const kept = await tail(stream);
      await passAll(await lease());
      await removeUntilGone(stream);

      expect([withoutRoute, onlyRetired, kept]).to.deep.equal([0, 0, [0n, 1n]]);
    });

    it('is not held back by a route that was retired, nor by its stopped streams', async () => {
      const stream = aStream();
      await commit(stream, 2);
      const [behind, stopped] = [await lease(), await lease()];
      await passAll(stopped);
      await settleLane(stopped, stopped.held[0]!, { stopped: [aStoppedStream(stream, 0n)] });
      await passAll(await lease());
      await remove();
      const kept = await tail(stream);

      for (const route of [behind, stopped]) await fixture.database.routes.retire(route.name);
      await removeUntilGone(stream);

      expect(kept).to.deep.equal([0n, 1n]);
    });

    it('removes only what is older than asked', async () => {
      const stream = aStream();
      await commit(stream, 2);
      await passAll(await lease());

      await remove(1_000, 60_000);
      const young = await tail(stream);
      await removeUntilGone(stream);

      expect(young).to.deep.equal([0n, 1n]);
    });

    it('removes no more at once than asked, of each stream from the front, and says how many', async () => {
      const route = await lease();
      await passAll(route);
      await eventually('the removal of all that was there', async () => ((await remove()) === 0 ? true : undefined));
      const streams = [aStream(), aStream()];
      for (let nth = 0; nth < 3; nth++) for (const stream of streams) await commit(stream);
      await passAll(route);

      let removed = 0;
      await eventually('the removal of six messages', async () => {
        const now = await remove(2);
        expect(now).to.be.at.most(2);
        removed += now;
        let left = 0;
        for (const stream of streams) {
          const revisions = await tail(stream);
          expect(revisions).to.deep.equal([0n, 1n, 2n].slice(3 - revisions.length));
          left += revisions.length;
        }
        expect(removed + left).to.equal(6);
        return left === 0 ? true : undefined;
      });

      expect(await remove(2)).to.equal(0);
    });

    it('counts each message once when several remove at the same time', async () => {
      const route = await lease();
      await passAll(route);
      await eventually('the removal of all that was there', async () => ((await remove()) === 0 ? true : undefined));
      const streams = Array.from({ length: 10 }, aStream);
      for (const stream of streams) await commit(stream, 4);
      await passAll(route);
      const other = (await fixture.another?.()) ?? fixture.database;

      let removed = 0;
      await eventually('the removal of forty messages', async () => {
        const counts = await Promise.all(
          [fixture.database, other, fixture.database, other].map(({ retention }) => retention.removeMessages({ olderThanMs: 0, most: 15 })),
        );
        removed += counts.reduce((sum, count) => sum + count, 0);
        return removed >= 40 ? true : undefined;
      });

      expect(removed).to.equal(40);
      for (const stream of streams) expect(await headAndTail(stream)).to.deep.equal({ head: 3n, tail: [] });
    });

    it('waits for no open transaction, and lets none fail', async () => {
      const stream = aStream();
      await commit(stream, 2);
      await passAll(await lease());
      const [appended, mayCommit] = [gate(), gate()];
      const writing = fixture.database.transactions.run(async (tx) => {
        await fixture.database.outbox.append([anAppend(stream, { expected: 1n })], tx);
        appended.open();
        await mayCommit.opened;
      });
      await Promise.race([appended.opened, writing]);

      await removeUntilGone(stream);
      mayCommit.open();
      await writing;

      expect(await tail(stream)).to.deep.equal([2n]);
    });

    it('leaves a receipt answered: what was removed is passed by every route', async () => {
      const stream = aStream();
      await commit(stream, 2);
      const route = await lease();
      await passAll(route);
      await removeUntilGone(stream);
      await commit(stream);

      const told = await fixture.database.status.progress(
        route.name,
        [0n, 1n, 2n, 3n].map((revision) => ({ stream, revision })),
      );

      const passed = Object.fromEntries(told.map(({ revision, ...one }) => [`${revision}`, one.passed]));
      expect(passed).to.deep.equal({ 0: true, 1: true, 2: false });
      for (const { type, skipped } of told.filter(({ revision }) => revision < 2n))
        expect([type, skipped]).to.deep.equal([undefined, false]);
    });
  });
}
