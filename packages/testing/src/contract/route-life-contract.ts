import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { StoredRoute } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aStoppedStream } from '../builders/a-stopped-stream.js';
import { deliverAll, leaseRoute, settleLane, takeOver } from '../ordering/leased-route.js';
import type { Fixture } from './fixture.js';
import { rejection } from './rejection.js';
import { renamedRoutesContract } from './renamed-routes-contract.js';
import { places, routeActs } from './route-acts.js';
import type { RouteLifePort } from './route-acts.js';

/** The suite of what becomes of routes: listed, retired, made anew, renamed. */
export function routeLifeContract<Tx>(name: string, open: () => Promise<Fixture<Tx, RouteLifePort>>): void {
  describe(`the life of routes of ${name}`, () => {
    let fixture: Fixture<Tx, RouteLifePort>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const { aName, lease, find, retire, commit, request, due } = routeActs(() => fixture);

    it('lists every route that was ever saved, by name', async () => {
      const prefix = aName();
      const routes = ['b', 'a', 'c'].map((end): StoredRoute => ({
        name: prefix + end,
        order: 'global',
        selection: { types: [end] },
        start: 'now',
      }));
      for (const route of routes) await fixture.database.routes.save(route);
      await retire(`${prefix}c`);

      const listed = (await fixture.database.routes.all()).filter((route) => route.name.startsWith(prefix));

      expect(listed.slice(0, 2)).to.deep.equal([routes[1], routes[0]]);
      expect(listed[2]).to.deep.include(routes[2]!);
      expect(listed[2]!.retiredAt).to.be.a('date');
      expect(listed).to.have.length(3);
    });

    describe('retire', () => {
      it('says when, the first time for good', async () => {
        const { name: route } = await lease();

        await retire(route);
        const first = await find(route);
        await retire(route);

        expect(first!.retiredAt).to.be.a('date');
        expect(await find(route)).to.deep.equal(first);
      });

      it('takes a name that nobody knows calmly', async () => {
        const unknown = aName();

        await retire(unknown);

        expect(await find(unknown)).to.equal(undefined);
      });

      it('takes lanes, stopped streams and open orders away, and leaves the record of those that were carried out', async () => {
        const route = await lease();
        for (const reason of ['carried out', 'open']) await request(route.name, { reason });
        const [first] = await due(route);
        await settleLane(route, route.held[0]!, {
          stopped: [aStoppedStream('order-7', 0n)],
          executed: [{ id: first!.id, outcome: 'done' }],
        });

        await retire(route.name);

        const { leases, status, actions } = fixture.database;
        expect(await leases.laneCount(route.name)).to.equal(0);
        expect(await leases.acquire({ route: route.name, owner: 'next', leaseMs: 1_000, most: 100 })).to.deep.equal([]);
        expect((await status.lanes()).filter((lane) => lane.route === route.name)).to.deep.equal([]);
        expect(await status.stopped({ route: route.name, most: 10 })).to.deep.equal([]);
        expect((await actions.recorded(route.name, 10)).map(({ reason }) => reason)).to.deep.equal(['carried out']);
      });

      it('takes the lanes from whoever holds them', async () => {
        const route = await lease();

        await retire(route.name);

        expect(await rejection(settleLane(route, route.held[0]!))).to.include({ code: 'LEASE_LOST' });
        expect(await fixture.database.leases.renew([route.held[0]!.lease], 1_000)).to.deep.equal([]);
      });

      it('ends no other route', async () => {
        const [one, other] = [await lease(), await lease()];
        await settleLane(other, other.held[0]!, { stopped: [aStoppedStream('order-7', 0n)] });

        await retire(one.name);

        await settleLane(other, other.held[0]!);
        expect(await fixture.database.status.stopped({ route: other.name, most: 10 })).to.have.length(1);
        expect((await find(other.name))!.retiredAt).to.equal(undefined);
      });
    });

    describe('a route that is saved again after it was retired', () => {
      it('is a new one, and begins where it says', async () => {
        const prefix = `${randomUUID()}-`;
        const route = await lease({ selection: { streams: [prefix] } });
        for (let nth = 0; nth < 2; nth++) await commit(`${prefix}s`);
        await deliverAll(route);
        await settleLane(route, route.held[0]!, { stopped: [aStoppedStream(`${prefix}s`, 0n)] });
        await request(route.name);
        await retire(route.name);

        const anew: StoredRoute = { name: route.name, order: 'stream', selection: { streams: [prefix] }, start: 'beginning' };
        const again = await leaseRoute(fixture.database, anew);

        expect(await find(route.name)).to.deep.equal(anew);
        expect(places(await deliverAll(again))).to.deep.equal([`${prefix}s@0`, `${prefix}s@1`]);
        expect(await fixture.database.status.stopped({ route: route.name, most: 10 })).to.deep.equal([]);
        expect(await due(again)).to.deep.equal([]);
      });

      it('is closed to whoever held it before', async () => {
        const before = await lease();
        await retire(before.name);
        const after = await lease({ name: before.name });

        const error = await rejection(settleLane(before, before.held[0]!, { stopped: [aStoppedStream('order-7', 0n)] }));

        expect(error).to.include({ code: 'LEASE_LOST' });
        expect(await fixture.database.leases.renew([before.held[0]!.lease], 60_000)).to.deep.equal([]);
        expect(await fixture.database.lanes.stopped(after.held[0]!.lease)).to.deep.equal([]);
      });

      it('is closed to them also while nobody has taken it yet', async () => {
        const before = await lease();
        await retire(before.name);
        await fixture.database.routes.save({ name: before.name, order: 'global', selection: {}, start: 'now' });

        expect(await rejection(settleLane(before, before.held[0]!, { suspects: 9 }))).to.include({ code: 'LEASE_LOST' });
        expect((await fixture.database.status.lanes()).find((lane) => lane.route === before.name)).to.include({ suspects: 0 });
      });
    });

    it('lets a route that was taken over be retired all the same', async () => {
      const route = await lease({ leaseMs: 50 });
      const heir = await takeOver(fixture.database, route);

      await retire(route.name);

      for (const holder of [route, heir]) expect(await rejection(settleLane(holder, holder.held[0]!))).to.include({ code: 'LEASE_LOST' });
    });
  });

  renamedRoutesContract(name, open);
}
