import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { LaneActionRequest, OutboxRow, StoredRoute } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { anAppend } from '../builders/a-message.js';
import { aStoppedStream } from '../builders/a-stopped-stream.js';
import { anAttempt } from '../builders/an-attempt.js';
import { eventually } from '../builders/waiting.js';
import { deliverAll, leaseRoute, readNext, settleLane, takeOver } from '../ordering/leased-route.js';
import type { LeasedRoute, LeaseRouteOptions } from '../ordering/leased-route.js';
import type { OrderingPort } from '../ordering/ordering-contract.js';
import type { Fixture } from './fixture.js';
import { rejection } from './rejection.js';

type Port = OrderingPort | 'actions' | 'status';

/** The suite of what becomes of routes: listed, retired, made anew, renamed. */
export function routeLifeContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`the life of routes of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const aName = (): string => `route-${randomUUID()}`;
    const lease = (options: LeaseRouteOptions = {}): Promise<LeasedRoute> => leaseRoute(fixture.database, { order: 'global', ...options });
    const release = ({ held }: LeasedRoute): Promise<void> => fixture.database.leases.release(held.map((lane) => lane.lease));
    const find = (route: string): Promise<StoredRoute | undefined> => fixture.database.routes.find(route);
    const retire = (route: string): Promise<void> => fixture.database.routes.retire(route);
    const rename = (route: string, to: string): Promise<boolean> => fixture.database.routes.rename(route, to);
    const commit = (stream: string): Promise<unknown> =>
      fixture.database.transactions.run((tx) => fixture.database.outbox.append([anAppend(stream)], tx));
    const request = (route: string, action: Partial<LaneActionRequest> = {}): Promise<void> =>
      fixture.database.actions.request({ route, lane: 0, kind: 'resume', ...action });
    const due = ({ held }: LeasedRoute) => fixture.database.actions.due(held.map((lane) => lane.lease));

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

    describe('rename', () => {
      it('goes on under the other name with place, stopped streams, orders and their record', async () => {
        const [prefix, to] = [`${randomUUID()}-`, aName()];
        const route = await lease({ selection: { streams: [prefix] } });
        for (let nth = 0; nth < 3; nth++) await commit(`${prefix}s`);
        const { rows } = await readNext(route, route.held[0]!);
        for (const { id } of rows.slice(0, 2)) await request(route.name, { kind: 'skip', messageId: id, reason: 'bad' });
        const [first] = await due(route);
        const entry = aStoppedStream('order-7', 3n);
        const executed = [{ id: first!.id, outcome: 'done' }] as const;
        await settleLane(route, route.held[0]!, { checkpoint: rows[1]!.checkpoint, stopped: [entry], executed, suspects: 2 });
        await release(route);

        const renamed = await rename(route.name, to);

        const next = await lease({ name: to, selection: { streams: [prefix] } });
        expect(renamed).to.equal(true);
        expect(await find(to)).to.deep.equal({ name: to, order: 'global', selection: { streams: [prefix] }, start: 'now' });
        expect(await fixture.database.lanes.stopped(next.held[0]!.lease)).to.deep.equal([entry]);
        expect((await due(next)).map(({ messageId }) => messageId)).to.deep.equal([rows[1]!.id]);
        expect(await fixture.database.actions.recorded(to, 10)).to.have.length(2);
        expect((await fixture.database.status.lanes()).find((lane) => lane.route === to)).to.include({ suspects: 2 });
        expect((await fixture.database.status.progress(to, [{ stream: `${prefix}s`, revision: 0n }]))[0]).to.include({ skipped: true });
        expect(places(await deliverAll(next))).to.deep.equal([`${prefix}s@2`]);
      });

      it('frees the old name', async () => {
        const [prefix, to] = [`${randomUUID()}-`, aName()];
        const route = await lease({ selection: { streams: [prefix] } });
        await commit(`${prefix}s`);
        await deliverAll(route);
        await release(route);

        await rename(route.name, to);
        const found = await find(route.name);
        const anew = await lease({ name: route.name, start: 'beginning', selection: { streams: [prefix] } });

        expect(found).to.equal(undefined);
        expect(places(await deliverAll(anew))).to.deep.equal([`${prefix}s@0`]);
        expect(places(await deliverAll(await lease({ name: to, selection: { streams: [prefix] } })))).to.deep.equal([]);
      });

      it('waits for nobody who holds a lane: it is refused, until the lease is given back or has expired', async () => {
        const [route, to] = [await lease({ order: 'stream' }), aName()];
        const [last, ...others] = [...route.held].reverse();
        await fixture.database.leases.release(others.map((lane) => lane.lease));

        const whileHeld = await rename(route.name, to);
        const kept = [(await find(route.name))?.name, await find(to)];
        await settleLane(route, last!, {});
        await fixture.database.leases.release([last!.lease]);
        const givenBack = await rename(route.name, to);
        await lease({ name: to, order: 'stream', leaseMs: 50 });
        await eventually('the leases expiring', async () => ((await rename(to, route.name)) ? true : undefined));

        expect([whileHeld, ...kept, givenBack]).to.deep.equal([false, route.name, undefined, true]);
      });

      it('leaves nothing to a holder of before', async () => {
        const [route, to] = [await lease({ leaseMs: 50 }), aName()];
        await eventually('the lease expiring', async () => ((await rename(route.name, to)) ? true : undefined));

        const error = await rejection(settleLane(route, route.held[0]!, { state: 'halted' }));

        expect(error).to.include({ code: 'LEASE_LOST' });
        expect((await fixture.database.status.lanes()).find((lane) => lane.route === to)).to.include({ state: 'running' });
      });

      it('leaves nothing to who held a lane under the name that it gets, as another route had that before', async () => {
        const [first, second] = [await lease({ leaseMs: 50 }), await lease({ leaseMs: 50 })];
        await eventually('the first lease expiring', async () => ((await rename(first.name, aName())) ? true : undefined));
        await eventually('the second lease expiring', async () => ((await rename(second.name, first.name)) ? true : undefined));

        const error = await rejection(settleLane(first, first.held[0]!, { suspects: 9 }));

        expect(error).to.include({ code: 'LEASE_LOST' });
        expect((await fixture.database.status.lanes()).find((lane) => lane.route === first.name)).to.include({ suspects: 0 });
      });

      it('takes the history along, and leaves none to who gets the old name', async () => {
        const [stream, to] = [`${randomUUID()}-s`, aName()];
        const route = await lease({ selection: { streams: [stream] } });
        await commit(stream);
        const { rows } = await readNext(route, route.held[0]!);
        const [{ id: messageId }] = rows as [OutboxRow];
        await settleLane(route, route.held[0]!, { attempts: [anAttempt([messageId], { outcome: 'rejected' })] });
        await settleLane(route, route.held[0]!, { checkpoint: rows[0]!.checkpoint, attempts: [anAttempt([messageId])] });
        await release(route);
        const { status } = fixture.database;
        const before = (await status.messages({ messageId })).find((line) => line.route === route.name)!;

        await rename(route.name, to);
        const anew = await lease({ name: route.name, start: 'beginning', selection: { streams: [stream] } });
        const next = await lease({ name: to, selection: { streams: [stream] } });
        await settleLane(next, next.held[0]!, { attempts: [anAttempt([messageId], { outcome: 'skipped' })] });
        await settleLane(anew, anew.held[0]!, { attempts: [anAttempt([messageId], { outcome: 'crashed' })] });

        const outcomes = async (name: string) => (await status.attempts({ messageId, route: name })).map(({ outcome }) => outcome);
        expect(await outcomes(to)).to.deep.equal(['skipped', 'delivered', 'rejected']);
        expect(await outcomes(route.name)).to.deep.equal(['crashed']);
        expect((await status.attempts({ messageId })).map((tried) => tried.route)).to.have.members([to, to, to, route.name]);
        const lines = new Map((await status.messages({ messageId })).map((line) => [line.route, line]));
        expect(lines.get(to)).to.deep.include({ status: 'DONE', failCount: 1, failedAt: before.failedAt });
        expect(lines.get(to)!.processedAt).to.be.a('date');
        expect(lines.get(route.name)).to.include({ status: 'WAITING', failCount: 1 });
      });

      it('leaves the audit of what a policy discards to each route', async () => {
        const [stream, to] = [`${randomUUID()}-s`, aName()];
        const route = await lease({ selection: { streams: [stream] } });
        await commit(stream);
        const { rows } = await readNext(route, route.held[0]!);
        const discard = { checkpoint: rows[0]!.checkpoint, discarded: [{ messageId: rows[0]!.id, stream, reason: '422' }] };
        await settleLane(route, route.held[0]!, discard);
        await release(route);

        await rename(route.name, to);
        const anew = await lease({ name: route.name, start: 'beginning', selection: { streams: [stream] } });
        await settleLane(anew, anew.held[0]!, discard);

        for (const one of [to, route.name]) expect(await fixture.database.actions.recorded(one, 10), one).to.have.length(1);
      });

      it('is refused for a route that is unknown or was retired, and for a name that is taken', async () => {
        const [route, taken, retired] = [await lease(), await lease(), await lease()];
        for (const one of [route, taken]) await release(one);
        await retire(retired.name);

        const answers = [
          await rename(aName(), aName()),
          await rename(retired.name, aName()),
          await rename(route.name, taken.name),
          await rename(route.name, route.name),
        ];

        expect(answers).to.deep.equal([false, false, false, false]);
        for (const one of [route, taken]) expect((await lease({ name: one.name })).held).to.have.length(1);
      });

      it('and somebody who takes the lanes at the same time do not both succeed', async () => {
        const other = (await fixture.another?.()) ?? fixture.database;
        for (let nth = 0; nth < 10; nth++) {
          const [route, to] = [await lease(), aName()];
          await release(route);

          const [renamed, grants] = await Promise.all([
            rename(route.name, to),
            other.leases.acquire({ route: route.name, owner: 'other', leaseMs: 60_000, most: 100 }),
          ]);

          expect(grants.length, 'lanes taken under the old name').to.equal(renamed ? 0 : 1);
          expect((await find(renamed ? to : route.name))?.name).to.equal(renamed ? to : route.name);
        }
      });
    });

    it('lets a route that was taken over be retired all the same', async () => {
      const route = await lease({ leaseMs: 50 });
      const heir = await takeOver(fixture.database, route);

      await retire(route.name);

      for (const holder of [route, heir]) expect(await rejection(settleLane(holder, holder.held[0]!))).to.include({ code: 'LEASE_LOST' });
    });
  });
}

const places = (rows: readonly OutboxRow[]): readonly string[] => rows.map(({ stream, revision }) => `${stream}@${revision}`);
