import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { ExecutedAction, LaneActionRequest } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aSettlement } from '../builders/a-settlement.js';
import { leaseRoute, takeOver } from '../ordering/leased-route.js';
import type { HeldLane, LeasedRoute } from '../ordering/leased-route.js';
import type { Fixture } from './fixture.js';
import { rejection } from './rejection.js';

type Port = 'routes' | 'leases' | 'lanes' | 'actions';

/** The suite of `LaneActions`: orders wait for the lane's holder, and end with its settlement. */
export function laneActionsContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`LaneActions of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const request = (route: LeasedRoute, { lease }: HeldLane, action: Partial<LaneActionRequest> = {}): Promise<void> =>
      fixture.database.actions.request({ route: route.name, lane: lease.lane, kind: 'resume', ...action });
    const due = (...lanes: readonly HeldLane[]) => fixture.database.actions.due(lanes.map(({ lease }) => lease));
    const settle = ({ lease, checkpoint }: HeldLane, ...executed: readonly ExecutedAction[]): Promise<void> =>
      fixture.database.lanes.settle(lease, aSettlement(checkpoint, { executed }));

    it('hands an order to the holder of its lane as it was given', async () => {
      const route = await leaseRoute(fixture.database);
      const lane = route.held.at(-1)!;
      const messageId = randomUUID();

      const wanted = { kind: 'skip', messageId, stream: 'order-ü', reason: 'ü: bad row', requestedBy: 'adä' } as const;
      await request(route, lane, wanted);

      const [action, ...more] = await due(lane);
      expect(more).to.deep.equal([]);
      expect(action).to.include({ route: route.name, lane: lane.lease.lane, ...wanted });
      expect(action!.requestedAt).to.be.a('date');
    });

    for (const kind of ['resume', 'skip', 'redrive'] as const) {
      it(`hands out orders to ${kind}, with no more than was said`, async () => {
        const route = await leaseRoute(fixture.database, { order: 'global' });

        await request(route, route.held[0]!, { kind });

        const [action] = await due(route.held[0]!);
        expect(action).to.include({ kind });
        const { messageId, stream, reason, requestedBy } = action!;
        expect([messageId, stream, reason, requestedBy]).to.deep.equal([undefined, undefined, undefined, undefined]);
      });
    }

    it('hands orders out oldest first, again and again until they are ended', async () => {
      const route = await leaseRoute(fixture.database);
      const lane = route.held[0]!;
      for (const reason of ['one', 'two', 'three']) await request(route, lane, { reason });

      const [first, again] = [await due(lane), await due(lane)];

      expect(first.map(({ reason }) => reason)).to.deep.equal(['one', 'two', 'three']);
      expect(again).to.deep.equal(first);
    });

    it('hands out the orders of the given lanes only', async () => {
      const [route, other] = [await leaseRoute(fixture.database), await leaseRoute(fixture.database)];
      const [mine, others] = [route.held[0]!, other.held[0]!];
      for (const lane of route.held) await request(route, lane, { reason: lane === mine ? 'my lane' : 'another lane' });
      await request(other, others, { reason: 'another route' });

      expect((await due(mine)).map(({ reason }) => reason)).to.deep.equal(['my lane']);
      expect((await due(mine, others)).map(({ reason }) => reason)).to.have.members(['my lane', 'another route']);
      expect(await due(...route.held)).to.have.length(route.held.length);
      expect(await due()).to.deep.equal([]);
    });

    it('ends an order with the settlement that carried it out, or refused it', async () => {
      const route = await leaseRoute(fixture.database);
      const lane = route.held[0]!;
      for (const reason of ['done', 'refused', 'open']) await request(route, lane, { reason });
      const [done, refused] = await due(lane);

      await settle(lane, { id: done!.id, outcome: 'done' }, { id: refused!.id, outcome: 'refused', note: 'the lane is running' });

      expect((await due(lane)).map(({ reason }) => reason)).to.deep.equal(['open']);
    });

    it('leaves an order open when the settlement found its lease lost', async () => {
      const route = await leaseRoute(fixture.database, { order: 'global', leaseMs: 50 });
      const lane = route.held[0]!;
      await request(route, lane);
      const [action] = await due(lane);
      const [heir] = (await takeOver(fixture.database, route)).held;

      const error = await rejection(settle(lane, { id: action!.id, outcome: 'done' }));

      expect(error).to.include({ code: 'LEASE_LOST' });
      expect(await due(heir!)).to.deep.equal([action]);
    });

    describe('the record', () => {
      const recorded = ({ name: route }: LeasedRoute, most = 10) => fixture.database.actions.recorded(route, most);

      it('has orders that wait, and those that were carried out or refused, newest first', async () => {
        const route = await leaseRoute(fixture.database);
        const lane = route.held.at(-1)!;
        for (const reason of ['done', 'refused', 'open']) await request(route, lane, { reason, requestedBy: 'ada' });
        const [done, refused, waiting] = await due(lane);

        await settle(lane, { id: done!.id, outcome: 'done' }, { id: refused!.id, outcome: 'refused', note: 'ü: it is running' });

        const [third, second, first, ...more] = await recorded(route);
        expect(more).to.deep.equal([]);
        expect(first).to.deep.include({ ...done!, outcome: 'done' });
        expect(second).to.deep.include({ ...refused!, outcome: 'refused', note: 'ü: it is running' });
        expect(third).to.deep.include({ ...waiting! });
        for (const { executedAt, requestedAt } of [first!, second!]) expect(executedAt!.getTime()).to.be.at.least(requestedAt.getTime());
        expect([third!.executedAt, third!.outcome, first!.note]).to.deep.equal([undefined, undefined, undefined]);
      });

      it('is of one route, and no longer than asked for', async () => {
        const [route, other] = [await leaseRoute(fixture.database), await leaseRoute(fixture.database)];
        for (const reason of ['one', 'two', 'three']) await request(route, route.held[0]!, { reason });
        await request(other, other.held[0]!, { reason: 'another route' });

        expect((await recorded(route, 2)).map(({ reason }) => reason)).to.deep.equal(['three', 'two']);
        expect(await recorded({ ...route, name: 'never' })).to.deep.equal([]);
      });

      it('has what the policy discarded, once, as carried out', async () => {
        const route = await leaseRoute(fixture.database);
        const lane = route.held.at(-1)!;
        const discarded = [
          { messageId: randomUUID(), stream: 'order-7', reason: 'ü: 422' },
          { messageId: randomUUID(), stream: 'order-8', reason: 'gone' },
        ];

        for (let twice = 0; twice < 2; twice++)
          await fixture.database.lanes.settle(lane.lease, aSettlement(lane.checkpoint, { discarded }));

        const actions = await recorded(route);
        expect(actions.map(({ messageId, stream, reason }) => ({ messageId, stream, reason }))).to.have.deep.members(discarded);
        for (const action of actions) {
          expect(action).to.include({ kind: 'discard', outcome: 'done', route: route.name, lane: lane.lease.lane });
          expect([action.requestedAt, action.executedAt]).to.satisfy((dates: unknown[]) => dates.every((date) => date instanceof Date));
        }
        expect(await due(lane)).to.deep.equal([]);
      });

      it('does not change when the settlement that ended an order comes twice', async () => {
        const route = await leaseRoute(fixture.database, { order: 'global' });
        const lane = route.held[0]!;
        await request(route, lane);
        const [action] = await due(lane);
        await settle(lane, { id: action!.id, outcome: 'done' });
        const first = await recorded(route);

        await settle(lane, { id: action!.id, outcome: 'done' });

        expect(await recorded(route)).to.deep.equal(first);
      });

      it('has nothing of a settlement that found its lease lost', async () => {
        const route = await leaseRoute(fixture.database, { order: 'global', leaseMs: 50 });
        const lane = route.held[0]!;
        await request(route, lane);
        const [action] = await due(lane);
        await takeOver(fixture.database, route);
        const before = await recorded(route);

        const settlement = aSettlement(lane.checkpoint, {
          executed: [{ id: action!.id, outcome: 'done' }],
          discarded: [{ messageId: randomUUID(), stream: 'order-7', reason: 'gone' }],
        });
        const error = await rejection(fixture.database.lanes.settle(lane.lease, settlement));

        expect(error).to.include({ code: 'LEASE_LOST' });
        expect(await recorded(route)).to.deep.equal(before);
      });
    });

    it('waits for a lane that nobody holds', async () => {
      const route = await leaseRoute(fixture.database, { order: 'global' });
      await fixture.database.leases.release(route.held.map(({ lease }) => lease));

      await request(route, route.held[0]!);

      const next = await leaseRoute(fixture.database, route);
      expect(await due(next.held[0]!)).to.have.length(1);
    });
  });
}
