import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { SKIPPED_TYPE } from '@waybill/core';
import type { MessageToAppend, OutboxRow, Settlement } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aFailure } from '../builders/a-failure.js';
import { aMessage, anAppend } from '../builders/a-message.js';
import { aStoppedStream } from '../builders/a-stopped-stream.js';
import { anAttempt } from '../builders/an-attempt.js';
import { deliverAll, leaseRoute, readNext, settleLane, takeOver } from '../ordering/leased-route.js';
import type { HeldLane, LeasedRoute, LeaseRouteOptions } from '../ordering/leased-route.js';
import type { OrderingPort } from '../ordering/ordering-contract.js';
import type { Fixture } from './fixture.js';
import { rejection } from './rejection.js';

type Port = OrderingPort | 'status';

/** The suite of `LaneStore.settle`: what it keeps for the next holder, and the fence around it. */
export function settlementContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`settlements of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const aPrefix = (): string => `${randomUUID()}-`;
    const lease = (options: LeaseRouteOptions): Promise<LeasedRoute> => leaseRoute(fixture.database, { order: 'global', ...options });
    const commit = (stream: string, ...messages: readonly MessageToAppend[]): Promise<unknown> =>
      fixture.database.transactions.run((tx) => fixture.database.outbox.append([anAppend(stream, { messages })], tx));
    const onlyLane = ({ held }: LeasedRoute): HeldLane => held[0]!;
    const settle = (route: LeasedRoute, settlement: Partial<Settlement>): Promise<void> => settleLane(route, onlyLane(route), settlement);
    /** Gives the lane back and takes it again. */
    async function leaseAgain(route: LeasedRoute): Promise<LeasedRoute> {
      await fixture.database.leases.release(route.held.map((lane) => lane.lease));
      return lease(route);
    }

    it('keeps the place for the next holder', async () => {
      const prefix = aPrefix();
      const route = await lease({ selection: { streams: [prefix] } });
      await commit(`${prefix}s`, aMessage(), aMessage(), aMessage());
      const { rows } = await readNext(route, onlyLane(route));

      await settle(route, { checkpoint: rows[1]!.checkpoint });

      expect(revisions(await deliverAll(await leaseAgain(route)))).to.deep.equal([2n]);
    });

    it('keeps state and failure of a lane that waits or is halted', async () => {
      const failure = aFailure({ revision: 2n ** 40n, attempts: 3, error: 'ü: refused', nextTryAt: new Date('2030-01-01T00:00:00.123Z') });
      const route = await lease({});

      await settle(route, { state: 'waiting', failure });
      const waiting = await grantOf(fixture, route);
      await settle(
        { ...route, held: [{ ...onlyLane(route), lease: waiting.lease }] },
        { state: 'halted', failure: { ...failure, nextTryAt: undefined } },
      );
      const halted = await grantOf(fixture, { ...route, held: [{ ...onlyLane(route), lease: waiting.lease }] });

      expect(waiting.progress).to.deep.include({ state: 'waiting', failure });
      expect(halted.progress).to.deep.include({ state: 'halted', failure: { ...failure, nextTryAt: undefined } });
    });

    it('forgets the failure of a lane that runs again', async () => {
      const route = await lease({});

      await settle(route, { state: 'halted', failure: aFailure() });
      await settle(route, { state: 'running', failure: undefined });

      expect((await grantOf(fixture, route)).progress).to.deep.include({ state: 'running', failure: undefined });
    });

    it('keeps which message a running lane tries alone, and how many holders were gone before', async () => {
      const failure = aFailure({ attempts: 2, code: 'SUSPECTED_CRASH' });
      const route = await lease({});

      await settle(route, { failure, suspects: 3 });

      expect((await grantOf(fixture, route)).progress).to.deep.include({ state: 'running', failure, suspects: 3 });
    });

    it('twice the same is the same as once', async () => {
      const prefix = aPrefix();
      const route = await lease({ selection: { streams: [prefix] } });
      await commit(`${prefix}s`, aMessage(), aMessage());
      const { rows } = await readNext(route, onlyLane(route));

      await settle(route, { checkpoint: rows[0]!.checkpoint });
      await settle(route, { checkpoint: rows[0]!.checkpoint });

      expect(revisions(await deliverAll(await leaseAgain(route)))).to.deep.equal([1n]);
    });

    it('under a lease that was lost changes nothing, and says so', async () => {
      const prefix = aPrefix();
      const route = await lease({ selection: { streams: [prefix] }, leaseMs: 50 });
      await commit(`${prefix}s`, aMessage(), aMessage());
      const page = await readNext(route, onlyLane(route));
      const heir = await takeOver(fixture.database, route);

      const error = await rejection(settle(route, { checkpoint: page.through, state: 'halted' }));

      expect(error).to.include({ code: 'LEASE_LOST', route: route.name, lane: 0, epoch: onlyLane(route).lease.epoch });
      const { progress } = await grantOf(fixture, heir);
      expect(progress).to.include({ state: 'running' });
      expect(revisions((await readNext(route, { ...onlyLane(route), checkpoint: progress.checkpoint })).rows)).to.deep.equal([0n, 1n]);
    });

    it('stores all that it says, or, under a lease that was lost, nothing of it', async () => {
      const stream = `${aPrefix()}s`;
      const route = await lease({ selection: { streams: [stream] }, leaseMs: 300 });
      await commit(stream, aMessage(), aMessage());
      const { rows } = await readNext(route, onlyLane(route));
      const everything = (revision: 0 | 1): Partial<Settlement> => ({
        ...{
          checkpoint: rows[revision]!.checkpoint,
          state: 'halted',
          failure: aFailure({ revision: BigInt(revision) }),
          suspects: revision,
        },
        stopped: [aStoppedStream(`stopped-${revision}`, 0n)],
        resumed: revision === 1 ? ['stopped-0'] : [],
        placeholders: [{ stream, revision: BigInt(revision) }],
        attempts: [anAttempt([rows[revision]!.id])],
      });
      const stored = async (holder: LeasedRoute) => ({
        stopped: (await fixture.database.lanes.stopped(onlyLane(holder).lease)).map((entry) => entry.stream),
        types: (await fixture.database.transactions.run((tx) => fixture.database.outbox.headAndTail(stream, 0n, tx))).tail.map(
          ({ type }) => type,
        ),
        tries: (await Promise.all(rows.map(({ id }) => fixture.database.status.attempts({ messageId: id })))).map(({ length }) => length),
      });

      await settle(route, everything(0));
      const settled = await stored(route);
      const heir = await takeOver(fixture.database, route);
      const error = await rejection(settle(route, everything(1)));

      expect(error).to.include({ code: 'LEASE_LOST' });
      expect(settled).to.deep.equal({ stopped: ['stopped-0'], types: [SKIPPED_TYPE, 'Happened'], tries: [1, 0] });
      expect(await stored(heir)).to.deep.equal(settled);
      expect((await grantOf(fixture, heir)).progress)
        .to.deep.include({ state: 'halted', suspects: 1 })
        .and.to.have.nested.property('failure.revision', 0n);
    });

    it('moves no other route', async () => {
      const prefix = aPrefix();
      const [one, other] = [await lease({ selection: { streams: [prefix] } }), await lease({ selection: { streams: [prefix] } })];
      await commit(`${prefix}s`, aMessage());

      const delivered = await deliverAll(one);

      expect(delivered).to.have.length(1);
      expect(ids(await deliverAll(await leaseAgain(other)))).to.deep.equal(ids(delivered));
    });

    it('moves no other lane of the route', async () => {
      const prefix = aPrefix();
      const route = await lease({ order: 'stream', selection: { streams: [prefix] } });
      for (let nth = 0; nth < 20; nth++) await commit(`${prefix}${nth}`, aMessage());
      const [first, ...others] = route.held;

      const delivered = await deliverAll({ ...route, held: [first!] });
      await fixture.database.leases.release(others.map((lane) => lane.lease));
      const rest = await deliverAll(await lease(route));

      expect([...ids(delivered), ...ids(rest)]).to.have.length(20);
      expect(new Set([...ids(delivered), ...ids(rest)])).to.have.property('size', 20);
    });
  });
}

/** What the next holder is granted: gives the lane back and takes it again. */
async function grantOf<Tx>({ database }: Fixture<Tx, 'leases'>, { name, held }: LeasedRoute) {
  await database.leases.release(held.map(({ lease }) => lease));
  const [grant] = await database.leases.acquire({ route: name, owner: 'next', leaseMs: 60_000, most: 1 });
  return grant!;
}

const revisions = (rows: readonly OutboxRow[]): readonly bigint[] => rows.map(({ revision }) => revision);
const ids = (rows: readonly OutboxRow[]): readonly string[] => rows.map(({ id }) => id);
