import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { InstanceBeat, LiveInstance } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { eventually, SETTLE_MS } from '../builders/waiting.js';
import type { Fixture } from './fixture.js';

const SHORT_MS = 50;
const LONG_MS = 60_000;

/** The suite of `Instances`: who is alive under which route, by the database's clock. */
export function instancesContract<Tx>(name: string, open: () => Promise<Fixture<Tx, 'instances'>>): void {
  describe(`Instances of ${name}`, () => {
    let fixture: Fixture<Tx, 'instances'>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const aRoute = (): string => `route-${randomUUID()}`;
    const beat = (route: string, instance: Partial<InstanceBeat> = {}): Promise<readonly LiveInstance[]> =>
      fixture.database.instances.beat({ route, id: randomUUID(), name: 'host', aliveMs: LONG_MS, ...instance });
    const leave = (route: string, id: string): Promise<void> => fixture.database.instances.leave(route, id);
    const live = async (route: string): Promise<readonly string[]> =>
      (await fixture.database.instances.live()).filter((instance) => instance.route === route).map(({ id }) => id);

    it('tells an instance that signs on of itself', async () => {
      const [route, id] = [aRoute(), randomUUID()];

      const [alive, ...others] = await beat(route, { id, name: 'hüst-1' });

      expect(others).to.deep.equal([]);
      expect(alive).to.include({ route, id, name: 'hüst-1' });
      expect(alive!.aliveUntil).to.be.a('date');
    });

    it('counts an instance as alive for as long as it said', async () => {
      const route = aRoute();

      const [shorter] = await beat(route, { id: 'one', aliveMs: LONG_MS });
      const [longer] = await beat(route, { id: 'one', aliveMs: 2 * LONG_MS });

      expect(longer!.aliveUntil.getTime() - shorter!.aliveUntil.getTime()).to.be.within(LONG_MS, LONG_MS + 10_000);
    });

    it('tells of every live instance of the route, by id, in whatever process', async () => {
      const route = aRoute();
      const other = (await fixture.another?.()) ?? fixture.database;
      for (const id of ['c', 'a', 'd']) await beat(route, { id });

      const alive = await other.instances.beat({ route, id: 'b', name: 'other', aliveMs: LONG_MS });

      expect(idsOf(alive)).to.deep.equal(['a', 'b', 'c', 'd']);
      expect(idsOf(await beat(route, { id: 'a' }))).to.deep.equal(['a', 'b', 'c', 'd']);
    });

    it('keeps routes apart, also for one id', async () => {
      const [one, other] = [aRoute(), aRoute()];
      await beat(one, { id: 'both' });
      await beat(one, { id: 'one' });

      expect(idsOf(await beat(other, { id: 'both' }))).to.deep.equal(['both']);
    });

    it('counts instances of one name as many', async () => {
      const route = aRoute();
      await beat(route, { name: 'twin' });

      expect(await beat(route, { name: 'twin' })).to.have.length(2);
    });

    it('counts an instance once, however often it signs on', async () => {
      const [route, id] = [aRoute(), randomUUID()];
      await beat(route, { id });
      await beat(route, { id });

      expect(await beat(route, { id })).to.have.length(1);
      expect(await live(route)).to.deep.equal([id]);
    });

    it('keeps an instance alive that signs on again in time', async () => {
      const [route, id] = [aRoute(), randomUUID()];
      await beat(route, { id, aliveMs: SHORT_MS });
      await beat(route, { id, aliveMs: LONG_MS });

      await sleep(SHORT_MS + SETTLE_MS);

      expect(await live(route)).to.deep.equal([id]);
    });

    it('no longer tells of an instance that did not', async () => {
      const route = aRoute();
      await beat(route, { id: 'gone', aliveMs: SHORT_MS });

      await eventually('the instance counting as gone', async () =>
        idsOf(await beat(route, { id: 'here' })).includes('gone') ? undefined : true,
      );

      expect(await live(route)).to.deep.equal(['here']);
    });

    it('lists nobody who is gone, also where nobody has signed on since', async () => {
      const route = aRoute();
      await beat(route, { aliveMs: SHORT_MS });

      await eventually('the instance counting as gone', async () => ((await live(route)).length === 0 ? true : undefined));
    });

    it('takes back an instance that was gone', async () => {
      const route = aRoute();
      await beat(route, { id: 'frozen', aliveMs: SHORT_MS });
      await eventually('the instance counting as gone', async () => ((await live(route)).length === 0 ? true : undefined));

      expect(idsOf(await beat(route, { id: 'frozen' }))).to.deep.equal(['frozen']);
    });

    it('lists the live instances of every route', async () => {
      const routes = [aRoute(), aRoute()];
      for (const route of routes) await beat(route, { id: `of ${route}` });

      const listed = await fixture.database.instances.live();

      expect(idsOf(listed)).to.include.members(routes.map((route) => `of ${route}`));
    });

    it('forgets at once who signs off, from that route only', async () => {
      const [one, other] = [aRoute(), aRoute()];
      for (const route of [one, other]) for (const id of ['leaving', 'staying']) await beat(route, { id });

      await leave(one, 'leaving');

      expect(await live(one)).to.deep.equal(['staying']);
      expect(await live(other)).to.have.members(['leaving', 'staying']);
    });

    it('takes it calmly when somebody signs off twice, or never signed on', async () => {
      const route = aRoute();
      await beat(route, { id: 'one' });

      await leave(route, 'one');
      await leave(route, 'one');
      await leave(aRoute(), 'nobody');

      expect(await live(route)).to.deep.equal([]);
    });

    it('lets many sign on at the same time', async () => {
      const route = aRoute();
      const other = (await fixture.another?.()) ?? fixture.database;
      const ids = Array.from({ length: 8 }, (_, nth) => `${nth}`);

      await Promise.all(
        ids.flatMap((id, nth) =>
          [1, 2].map(() => (nth % 2 ? fixture.database : other).instances.beat({ route, id, name: 'host', aliveMs: LONG_MS })),
        ),
      );

      expect(await live(route)).to.have.members(ids);
    });
  });
}

const idsOf = (instances: readonly LiveInstance[]): readonly string[] => instances.map(({ id }) => id);
