import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { StoredRoute } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { anAppend } from '../builders/a-message.js';
import { deliverAll, leaseRoute } from '../ordering/leased-route.js';
import type { OrderingPort } from '../ordering/ordering-contract.js';
import type { Fixture } from './fixture.js';
import { holdTransaction } from './held-transaction.js';
import { rejection } from './rejection.js';

/** The suite of `RouteStore`: what is remembered of a route, and where it begins. */
export function routeStoreContract<Tx>(name: string, open: () => Promise<Fixture<Tx, OrderingPort>>): void {
  describe(`RouteStore of ${name}`, () => {
    let fixture: Fixture<Tx, OrderingPort>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const aRoute = (overrides: Partial<StoredRoute> = {}): StoredRoute => ({
      ...{ name: `route-${randomUUID()}`, order: 'stream', selection: {}, start: 'now' },
      ...overrides,
    });
    const save = (route: StoredRoute): Promise<void> => fixture.database.routes.save(route);
    const find = (route: StoredRoute): Promise<StoredRoute | undefined> => fixture.database.routes.find(route.name);
    const transact = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> => fixture.database.transactions.run(work);
    const commit = (stream: string): Promise<unknown> => transact((tx) => fixture.database.outbox.append([anAppend(stream)], tx));

    // First of all, for it needs an outbox that nobody has used.
    it('knows that the outbox is empty until the first commit', async () => {
      const atFirst = (await fixture.database.routes.outbox()).empty;
      await rejection(
        transact(async (tx) => {
          await fixture.database.outbox.append([anAppend('rolled-back')], tx);
          throw new Error('no');
        }),
      );
      const afterRollback = (await fixture.database.routes.outbox()).empty;
      await commit('committed');

      expect([atFirst, afterRollback, (await fixture.database.routes.outbox()).empty]).to.deep.equal([true, true, false]);
    });

    it('finds a route as it was saved', async () => {
      const route = aRoute({ order: 'global', selection: { types: ['A', 'ü'], streams: ['order-', "o'k_%"] }, start: 'beginning' });

      await save(route);

      expect(await find(route)).to.deep.equal(route);
    });

    it('finds a route that selects everything', async () => {
      const route = aRoute();

      await save(route);

      expect(await find(route)).to.deep.equal(route);
    });

    it('finds nothing for a name that was never saved', async () => {
      expect(await find(aRoute())).to.equal(undefined);
    });

    it('replaces nothing but the selection of a route that exists', async () => {
      const route = aRoute({ order: 'global', start: 'beginning', selection: { types: ['A'] } });
      await save(route);

      await save({ ...route, order: 'stream', start: 'now', selection: { streams: ['x-'] } });

      expect(await find(route)).to.deep.equal({ ...route, selection: { streams: ['x-'] } });
      expect(await fixture.database.leases.acquire({ route: route.name, owner: 'one', leaseMs: 60_000, most: 100 })).to.have.length(1);
    });

    it('leaves the lanes of a route that exists where they are', async () => {
      const prefix = `${randomUUID()}-`;
      const route = await leaseRoute(fixture.database, { selection: { streams: [prefix] } });
      await commit(`${prefix}s`);
      await deliverAll(route);
      await fixture.database.leases.release(route.held.map(({ lease }) => lease));

      await save(aRoute({ name: route.name, start: 'beginning', selection: { streams: [prefix] } }));

      expect(await deliverAll(await leaseRoute(fixture.database, route))).to.deep.equal([]);
    });

    it('saves once what several processes save at the same time', async () => {
      const route = aRoute();
      const other = (await fixture.another?.()) ?? fixture.database;

      await Promise.all(Array.from({ length: 6 }, (_, nth) => (nth % 2 ? fixture.database : other).routes.save(route)));

      const grants = await fixture.database.leases.acquire({ route: route.name, owner: 'one', leaseMs: 60_000, most: 10_000 });
      const lanes = grants.map(({ lease }) => lease.lane).sort((a, b) => a - b);
      expect(lanes).to.deep.equal([...lanes.keys()]).and.not.be.empty;
    });

    for (const order of ['stream', 'global'] as const) {
      it(`begins at the first row for "beginning", in order "${order}"`, async () => {
        const prefix = `${randomUUID()}-`;
        await commit(`${prefix}a`);
        await commit(`${prefix}b`);

        const route = await leaseRoute(fixture.database, { order, start: 'beginning', selection: { streams: [prefix] } });

        expect((await deliverAll(route)).map(({ stream }) => stream)).to.have.members([`${prefix}a`, `${prefix}b`]);
      });

      it(`begins for "now" with what was committed after it was first seen, in order "${order}"`, async () => {
        const prefix = `${randomUUID()}-`;
        await commit(`${prefix}before`);
        const slow = await holdTransaction(fixture.database.transactions, (tx) =>
          fixture.database.outbox.append([anAppend(`${prefix}slow`)], tx),
        );

        const route = await leaseRoute(fixture.database, { order, start: 'now', selection: { streams: [prefix] } });
        await commit(`${prefix}after`);
        await slow.commit();

        expect((await deliverAll(route)).map(({ stream }) => stream)).to.have.members([`${prefix}slow`, `${prefix}after`]);
      });
    }
  });
}
