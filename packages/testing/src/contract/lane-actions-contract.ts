import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { ExecutedAction, LaneActionRequest } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aSettlement } from '../builders/a-settlement.js';
import { eventually } from '../builders/waiting.js';
import { leaseRoute } from '../ordering/leased-route.js';
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

      await request(route, lane, { kind: 'skip', messageId, reason: 'ü: bad row' });

      const [action, ...more] = await due(lane);
      expect(more).to.deep.equal([]);
      expect(action).to.include({ route: route.name, lane: lane.lease.lane, kind: 'skip', messageId, reason: 'ü: bad row' });
      expect(action!.requestedAt).to.be.a('date');
    });

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
      const heir = await eventually(
        'the lease expiring',
        async () => (await leaseRoute(fixture.database, { ...route, owner: 'heir' })).held[0],
      );

      const error = await rejection(settle(lane, { id: action!.id, outcome: 'done' }));

      expect(error).to.include({ code: 'LEASE_LOST' });
      expect(await due(heir)).to.deep.equal([action]);
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
