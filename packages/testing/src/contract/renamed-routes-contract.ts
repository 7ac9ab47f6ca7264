import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { OutboxRow } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aStoppedStream } from '../builders/a-stopped-stream.js';
import { anAttempt } from '../builders/an-attempt.js';
import { eventually } from '../builders/waiting.js';
import { deliverAll, readNext, settleLane } from '../ordering/leased-route.js';
import type { LeasedRoute } from '../ordering/leased-route.js';
import type { Fixture } from './fixture.js';
import { rejection } from './rejection.js';
import { places, routeActs } from './route-acts.js';
import type { RouteLifePort } from './route-acts.js';

/** The suite of routes that get another name. */
export function renamedRoutesContract<Tx>(name: string, open: () => Promise<Fixture<Tx, RouteLifePort>>): void {
  describe(`the renaming of routes of ${name}`, () => {
    let fixture: Fixture<Tx, RouteLifePort>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const { aName, lease, find, retire, commit, request, due } = routeActs(() => fixture);
    const release = ({ held }: LeasedRoute): Promise<void> => fixture.database.leases.release(held.map((lane) => lane.lease));
    const rename = (route: string, to: string): Promise<boolean> => fixture.database.routes.rename(route, to);

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
}
