import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { laneOf, streamHash } from '@waybill/core';
import type { MessageProgress, MessageToAppend, Settlement, StoredLane } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aFailure } from '../builders/a-failure.js';
import { aMessage, anAppend } from '../builders/a-message.js';
import { eventually } from '../builders/waiting.js';
import { deliverAll, laneOfStream, leaseRoute, readNext, settleLane } from '../ordering/leased-route.js';
import type { LeasedRoute } from '../ordering/leased-route.js';
import type { OrderingPort } from '../ordering/ordering-contract.js';
import type { Fixture } from './fixture.js';

type Port = OrderingPort | 'actions' | 'status';

/** The suite of `DeliveryStatus`: what operators and waiting callers are told. */
export function deliveryStatusContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`DeliveryStatus of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const aPrefix = (): string => `${randomUUID()}-`;
    const commit = (stream: string, ...messages: readonly MessageToAppend[]): Promise<unknown> =>
      fixture.database.transactions.run((tx) => fixture.database.outbox.append([anAppend(stream, { messages })], tx));
    const progress = (route: LeasedRoute, stream: string, ...revisions: readonly bigint[]): Promise<readonly MessageProgress[]> =>
      fixture.database.status.progress(
        route.name,
        revisions.map((revision) => ({ stream, revision })),
      );
    const lanesOf = async (route: LeasedRoute): Promise<readonly StoredLane[]> =>
      (await fixture.database.status.lanes()).filter((lane) => lane.route === route.name);
    const settle = (route: LeasedRoute, settlement: Partial<Settlement>): Promise<void> => settleLane(route, route.held[0]!, settlement);

    for (const order of ['stream', 'global'] as const) {
      describe(`progress in order "${order}"`, () => {
        it('tells of each message whether the route is past it', async () => {
          const stream = `${aPrefix()}s`;
          const route = await leaseRoute(fixture.database, { order, selection: { streams: [stream] } });
          await commit(stream, aMessage('A'), aMessage('B'), aMessage('C'));
          const before = await progress(route, stream, 0n, 1n, 2n);
          const lane = laneOfStream(route, stream);
          const { rows } = await readNext(route, lane);

          await settle({ ...route, held: [lane] }, { checkpoint: rows[1]!.checkpoint });

          const passed = async (): Promise<Record<string, boolean>> =>
            Object.fromEntries((await progress(route, stream, 0n, 1n, 2n)).map((one) => [one.type!, one.passed]));
          expect(before.map(({ passed }) => passed)).to.deep.equal([false, false, false]);
          expect(await passed()).to.deep.equal({ A: true, B: true, C: false });
        });

        it('counts as passed what the route does not select, once it is behind the checkpoint', async () => {
          const stream = `${aPrefix()}s`;
          const route = await leaseRoute(fixture.database, { order, selection: { types: ['Wanted'], streams: [stream] } });
          await commit(stream, aMessage('Other'), aMessage('Wanted'));

          await deliverAll(route);

          expect((await progress(route, stream, 0n, 1n)).map(({ passed }) => passed)).to.deep.equal([true, true]);
        });
      });
    }

    describe('progress', () => {
      it('tells place, type and kind of a message', async () => {
        const stream = `${aPrefix()}s`;
        const route = await leaseRoute(fixture.database, { selection: { streams: [stream] } });
        await commit(stream, aMessage('ChargeCard', { kind: 'command' }));

        const [told] = await progress(route, stream, 0n);

        const lane = laneOf(streamHash(stream), route.held.length);
        expect(told).to.deep.include({ stream, revision: 0n, type: 'ChargeCard', kind: 'command', lane, passed: false, skipped: false });
      });

      it('leaves out what is not committed', async () => {
        const stream = `${aPrefix()}s`;
        const route = await leaseRoute(fixture.database, { selection: { streams: [stream] } });
        await commit(stream, aMessage());

        const during = await fixture.database.transactions.run(async (tx) => {
          await fixture.database.outbox.append([anAppend(stream)], tx);
          return progress(route, stream, 0n, 1n);
        });

        expect(during.map(({ revision }) => revision)).to.deep.equal([0n]);
        expect(await progress(route, stream, 7n)).to.deep.equal([]);
        expect(await progress(route, stream)).to.deep.equal([]);
      });

      it('answers for messages of several streams', async () => {
        const prefix = aPrefix();
        const route = await leaseRoute(fixture.database, { selection: { streams: [prefix] } });
        await commit(`${prefix}a`, aMessage());
        await commit(`${prefix}b`, aMessage(), aMessage());

        const told = await fixture.database.status.progress(route.name, [
          { stream: `${prefix}a`, revision: 0n },
          { stream: `${prefix}b`, revision: 1n },
        ]);

        expect(told.map(({ stream, revision }) => `${stream}@${revision}`)).to.have.members([`${prefix}a@0`, `${prefix}b@1`]);
      });

      it('calls a message skipped that the policy discarded', async () => {
        const stream = `${aPrefix()}s`;
        const route = await leaseRoute(fixture.database, { order: 'global', selection: { streams: [stream] } });
        await commit(stream, aMessage(), aMessage());
        const { rows, through } = await readNext(route, route.held[0]!);

        await settle(route, { checkpoint: through, discarded: [{ messageId: rows[1]!.id, stream, reason: '422' }] });

        const told = await progress(route, stream, 0n, 1n);
        expect(told.map(({ revision, passed, skipped }) => [revision, passed, skipped])).to.have.deep.members([
          [0n, true, false],
          [1n, true, true],
        ]);
      });

      it('calls a message skipped when an order to skip it was carried out, and not when it was refused', async () => {
        const stream = `${aPrefix()}s`;
        const route = await leaseRoute(fixture.database, { order: 'global', selection: { streams: [stream] } });
        await commit(stream, aMessage(), aMessage());
        const { rows } = await readNext(route, route.held[0]!);
        for (const { id } of rows) {
          await fixture.database.actions.request({ route: route.name, lane: 0, kind: 'skip', messageId: id, reason: 'bad' });
        }
        const [first, second] = await fixture.database.actions.due(route.held.map(({ lease }) => lease));

        await settle(route, {
          checkpoint: rows[1]!.checkpoint,
          executed: [
            { id: first!.id, outcome: 'done' },
            { id: second!.id, outcome: 'refused', note: 'the lane does not stand at this message' },
          ],
        });

        const told = await progress(route, stream, 0n, 1n);
        expect(Object.fromEntries(told.map(({ revision, skipped }) => [`${revision}`, skipped]))).to.deep.equal({ 0: true, 1: false });
      });
    });

    describe('lanes', () => {
      it('lists every lane of a route, also those that nobody holds', async () => {
        const route = await leaseRoute(fixture.database);
        await fixture.database.leases.release(route.held.map(({ lease }) => lease));

        const lanes = await lanesOf(route);

        expect(lanes.map(({ lane }) => lane)).to.have.members([...route.held.keys()]);
        for (const lane of lanes) {
          expect(lane).to.include({ state: 'running', failure: undefined, owner: undefined, pending: 0, oldestAt: undefined });
          expect(lane).to.include({ suspects: 0, stopped: 0 });
        }
      });

      it('counts what is pending for the route, and tells since when', async () => {
        const prefix = aPrefix();
        const route = await leaseRoute(fixture.database, { order: 'global', selection: { types: ['Wanted'], streams: [prefix] } });
        await commit(`${prefix}s`, aMessage('Wanted'), aMessage('Other'), aMessage('Wanted'));
        await commit(`${prefix}s`, aMessage('Wanted'));
        const { rows } = await readNext(route, route.held[0]!);

        const [before] = await lanesOf(route);
        await settle(route, { checkpoint: rows[0]!.checkpoint });
        const [between] = await lanesOf(route);
        await deliverAll(route);
        const [after] = await lanesOf(route);

        expect([before!.pending, between!.pending, after!.pending]).to.deep.equal([3, 2, 0]);
        expect(before!.oldestAt).to.deep.equal(rows[0]!.recordedAt);
        expect(after!.oldestAt).to.equal(undefined);
      });

      it('tells what stopped a lane', async () => {
        const route = await leaseRoute(fixture.database, { order: 'global' });
        const failure = aFailure({ revision: 3n, attempts: 10 });

        await settle(route, { state: 'halted', failure });

        expect((await lanesOf(route))[0]).to.deep.include({ state: 'halted', failure });
      });

      it('tells of holders that were gone, as settled', async () => {
        const route = await leaseRoute(fixture.database, { order: 'global' });

        await settle(route, { suspects: 3 });

        expect((await lanesOf(route))[0]).to.include({ suspects: 3 });
      });

      it('names the holder while the lease lasts', async () => {
        const route = await leaseRoute(fixture.database, { order: 'global', owner: 'host-1', leaseMs: 60_000 });
        const [held] = await lanesOf(route);

        await fixture.database.leases.release(route.held.map(({ lease }) => lease));
        const [released] = await lanesOf(route);

        expect([held!.owner, released!.owner]).to.deep.equal(['host-1', undefined]);
        expect(held!.epoch).to.equal(route.held[0]!.lease.epoch);
      });

      it('names no holder once the lease has expired', async () => {
        const route = await leaseRoute(fixture.database, { order: 'global', owner: 'host-1', leaseMs: 50 });

        await eventually('the lease expiring', async () => ((await lanesOf(route))[0]!.owner === undefined ? true : undefined));
      });
    });
  });
}
