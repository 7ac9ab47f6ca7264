import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { AcquireOptions, LaneGrant } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aFailure } from '../builders/a-failure.js';
import { aSettlement } from '../builders/a-settlement.js';
import { eventually, SETTLE_MS } from '../builders/waiting.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fixture } from './fixture.js';

type Port = 'routes' | 'leases' | 'lanes';

const ALL = Number.MAX_SAFE_INTEGER;
const SHORT_MS = 50;
const LONG_MS = 60_000;

/** The suite of `LaneLeases`: at most one holder at a time, and a higher epoch for every next one. */
export function laneLeasesContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`LaneLeases of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    async function aRoute(order: 'stream' | 'global' = 'stream'): Promise<string> {
      const route = `route-${randomUUID()}`;
      await fixture.database.routes.save({ name: route, order, selection: {}, start: 'now' });
      return route;
    }
    const acquire = (route: string, options: Partial<AcquireOptions> = {}): Promise<readonly LaneGrant[]> =>
      fixture.database.leases.acquire({ route, owner: 'one', leaseMs: LONG_MS, most: ALL, ...options });
    const acquireExpired = (route: string, leaseMs = LONG_MS): Promise<readonly LaneGrant[]> =>
      eventually('the leases expiring', async () => {
        const grants = await acquire(route, { owner: 'heir', leaseMs });
        return grants.length > 0 ? grants : undefined;
      });
    const lanesOf = (grants: readonly LaneGrant[]): readonly number[] => grants.map(({ lease }) => lease.lane).sort((a, b) => a - b);
    const leasesOf = (grants: readonly LaneGrant[]) => grants.map(({ lease }) => lease);

    describe('laneCount', () => {
      it('counts the lanes of a route, held or not', async () => {
        const [route, global] = [await aRoute(), await aRoute('global')];
        const before = await fixture.database.leases.laneCount(route);

        const grants = await acquire(route, { most: 2 });
        const rest = await acquire(route);

        expect(before).to.equal(grants.length + rest.length);
        expect(await fixture.database.leases.laneCount(route)).to.equal(before);
        expect(await fixture.database.leases.laneCount(global)).to.equal(1);
      });

      it('counts none for a route that nobody knows', async () => {
        expect(await fixture.database.leases.laneCount(`route-${randomUUID()}`)).to.equal(0);
      });
    });

    describe('acquire', () => {
      it('gives every lane of a new route, to be run from its start', async () => {
        const route = await aRoute();

        const grants = await acquire(route);

        expect(lanesOf(grants)).to.deep.equal([...grants.keys()]).and.not.be.empty;
        for (const { lease, progress, takenOver } of grants) {
          expect(lease.route).to.equal(route);
          expect(lease.expiresAt).to.be.a('date');
          expect(progress).to.include({ state: 'running', failure: undefined, suspects: 0 });
          expect(takenOver).to.equal(false);
        }
      });

      it('gives the one lane of a route in global order', async () => {
        expect(lanesOf(await acquire(await aRoute('global')))).to.deep.equal([0]);
      });

      it('gives no lane that somebody holds, not even to its holder', async () => {
        const route = await aRoute();
        await acquire(route);

        expect(await acquire(route, { owner: 'other' })).to.deep.equal([]);
        expect(await acquire(route)).to.deep.equal([]);
      });

      it('gives at most as many as asked for', async () => {
        const route = await aRoute();

        const [some, rest] = [await acquire(route, { most: 3 }), await acquire(route)];

        expect(some).to.have.length(Math.min(3, some.length + rest.length));
        expect(lanesOf([...some, ...rest])).to.deep.equal([...[...some, ...rest].keys()]);
      });

      for (const [names, nameOf] of [
        ['each with a name of its own', (nth: number) => `${nth}`],
        ['all of one name', () => 'twin'],
      ] as const)
        it(`shares the lanes out among several callers at once, ${names}`, async () => {
          const route = await aRoute();
          const other = (await fixture.another?.()) ?? fixture.database;

          const shares = await Promise.all(
            Array.from({ length: 8 }, (_, nth) =>
              (nth % 2 ? fixture.database : other).leases.acquire({ route, owner: nameOf(nth), leaseMs: LONG_MS, most: 3 }),
            ),
          );
          const rest = await acquire(route, { owner: 'rest' });

          const lanes = lanesOf([...shares.flat(), ...rest]);
          expect(lanes).to.deep.equal([...lanes.keys()]);
          for (const share of shares) expect(share).to.have.length.at.most(3);
        });

      it('gives none where none is asked for', async () => {
        const route = await aRoute();

        expect(await acquire(route, { most: 0 })).to.deep.equal([]);
        expect(lanesOf(await acquire(route, { most: 1 }))).to.deep.equal([0]);
      });

      it('gives a lane whose lease has expired, as taken over, under a higher epoch', async () => {
        const route = await aRoute('global');
        const [before] = await acquire(route, { leaseMs: SHORT_MS });

        const [heir] = await acquireExpired(route);

        expect(heir!.takenOver).to.equal(true);
        expect(heir!.lease.epoch > before!.lease.epoch, 'the epoch grew').to.equal(true);
      });

      it('counts the holders in a row that were gone without giving a lane back', async () => {
        const route = await aRoute('global');
        await acquire(route, { leaseMs: SHORT_MS });

        const [second] = await acquireExpired(route, SHORT_MS);
        const [third] = await acquireExpired(route);

        expect([second!.progress.suspects, third!.progress.suspects]).to.deep.equal([1, 2]);
      });

      it('counts no holder that gave the lane back', async () => {
        const route = await aRoute('global');
        await acquire(route, { leaseMs: SHORT_MS });
        const heirs = await acquireExpired(route);

        await fixture.database.leases.release(leasesOf(heirs));
        const [next] = await acquire(route);

        expect(next!.progress.suspects).to.equal(1);
      });

      it('counts on from what a settlement says', async () => {
        const route = await aRoute('global');
        const [first] = await acquire(route, { leaseMs: 4 * SHORT_MS });
        await fixture.database.lanes.settle(first!.lease, aSettlement(first!.progress.checkpoint, { suspects: 5 }));
        const [second] = await acquireExpired(route);

        await fixture.database.lanes.settle(second!.lease, aSettlement(first!.progress.checkpoint, { suspects: 0 }));
        await fixture.database.leases.release([second!.lease]);
        const [third] = await acquire(route);

        expect([second!.progress.suspects, third!.progress.suspects]).to.deep.equal([6, 0]);
      });

      it('keeps everything else of the progress when a lane is taken over', async () => {
        const route = await aRoute('global');
        const [first] = await acquire(route, { leaseMs: 4 * SHORT_MS });
        const failure = aFailure({ nextTryAt: new Date('2030-01-01T00:00:00.123Z') });
        await fixture.database.lanes.settle(first!.lease, aSettlement(first!.progress.checkpoint, { state: 'waiting', failure }));

        const [heir] = await acquireExpired(route);

        expect(heir!.progress).to.deep.include({ state: 'waiting', failure, suspects: 1 });
      });

      it('gives no lane of another route', async () => {
        const [one, other] = [await aRoute(), await aRoute()];

        const grants = await acquire(one);

        expect(new Set(leasesOf(grants).map(({ route }) => route))).to.deep.equal(new Set([one]));
        expect(await acquire(other)).to.have.length(grants.length);
      });
    });

    describe('renew', () => {
      it('prolongs leases, under the same epochs', async () => {
        const route = await aRoute();
        const grants = await acquire(route, { leaseMs: SHORT_MS * 4 });

        const renewed = await fixture.database.leases.renew(leasesOf(grants), LONG_MS);

        expect(renewed).to.have.length(grants.length);
        for (const { lease } of grants) {
          const longer = renewed.find(({ lane }) => lane === lease.lane)!;
          expect(longer).to.include({ route, epoch: lease.epoch });
          expect(longer.expiresAt.getTime()).to.be.above(lease.expiresAt.getTime());
        }
        await sleep(SHORT_MS * 4 + SETTLE_MS);
        expect(await acquire(route, { owner: 'other' })).to.deep.equal([]);
      });

      it('leaves out what somebody else holds by now, and does not prolong it', async () => {
        const route = await aRoute();
        const grants = await acquire(route, { leaseMs: SHORT_MS });
        const [taken] = await eventually('the leases expiring', async () => {
          const found = await acquire(route, { owner: 'heir', most: 1 });
          return found.length > 0 ? found : undefined;
        });

        const renewed = await fixture.database.leases.renew(leasesOf(grants), LONG_MS);

        expect(renewed.map(({ lane }) => lane)).to.have.members(lanesOf(grants).filter((lane) => lane !== taken!.lease.lane));
        expect((await fixture.database.leases.renew([taken!.lease], LONG_MS)).map(({ epoch }) => epoch)).to.deep.equal([
          taken!.lease.epoch,
        ]);
      });

      it('leaves out what was given back', async () => {
        const grants = await acquire(await aRoute('global'));

        await fixture.database.leases.release(leasesOf(grants));

        expect(await fixture.database.leases.renew(leasesOf(grants), LONG_MS)).to.deep.equal([]);
      });

      it('has nothing to do for no leases', async () => {
        expect(await fixture.database.leases.renew([], LONG_MS)).to.deep.equal([]);
      });
    });

    describe('release', () => {
      it('lets the next take the lanes at once, not as taken over, under a higher epoch', async () => {
        const route = await aRoute();
        const grants = await acquire(route);

        await fixture.database.leases.release(leasesOf(grants));
        const next = await acquire(route, { owner: 'next' });

        expect(lanesOf(next)).to.deep.equal(lanesOf(grants));
        for (const { lease, takenOver } of next) {
          expect(takenOver).to.equal(false);
          expect(lease.epoch > grants.find((grant) => grant.lease.lane === lease.lane)!.lease.epoch, 'the epoch grew').to.equal(true);
        }
      });

      it('gives back those leases only', async () => {
        const route = await aRoute();
        const grants = await acquire(route);

        const given = grants[grants.length - 1]!;
        await fixture.database.leases.release([given.lease]);

        expect(lanesOf(await acquire(route, { owner: 'next' }))).to.deep.equal([given.lease.lane]);
      });

      it('leaves a lease alone that was lost', async () => {
        const route = await aRoute('global');
        const lost = await acquire(route, { leaseMs: SHORT_MS });
        const heirs = await acquireExpired(route);

        await fixture.database.leases.release(leasesOf(lost));

        expect(await acquire(route, { owner: 'third' })).to.deep.equal([]);
        expect(await fixture.database.leases.renew(leasesOf(heirs), LONG_MS)).to.have.length(1);
      });

      it('twice, or of nothing, does no harm', async () => {
        const route = await aRoute('global');
        const grants = await acquire(route);

        await fixture.database.leases.release(leasesOf(grants));
        await fixture.database.leases.release(leasesOf(grants));
        await fixture.database.leases.release([]);

        expect(await acquire(route)).to.have.length(1);
      });
    });
  });
}
