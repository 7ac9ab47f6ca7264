import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { LaneFailure, MessageProgress, RouteStoppedStream, Settlement, StoppedQuery, StoppedStream } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aFailure } from '../builders/a-failure.js';
import { aMessage, anAppend } from '../builders/a-message.js';
import { aStoppedStream } from '../builders/a-stopped-stream.js';
import { deliverAll, laneOfStream, leaseRoute, settleLane, takeOver } from '../ordering/leased-route.js';
import type { LeasedRoute, LeaseRouteOptions } from '../ordering/leased-route.js';
import type { OrderingPort } from '../ordering/ordering-contract.js';
import type { Fixture } from './fixture.js';
import { rejection } from './rejection.js';

type Port = OrderingPort | 'status';

/** The suite of stopped streams: entries that come, change and go with settlements, and what operators are told of them. */
export function stoppedStreamsContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`stopped streams of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const aPrefix = (): string => `${randomUUID()}-`;
    const lease = (options: LeaseRouteOptions = {}): Promise<LeasedRoute> => leaseRoute(fixture.database, { order: 'global', ...options });
    const settle = (route: LeasedRoute, settlement: Partial<Settlement>): Promise<void> => settleLane(route, route.held[0]!, settlement);
    const stopped = async (route: LeasedRoute, nth = 0): Promise<readonly StoppedStream[]> =>
      [...(await fixture.database.lanes.stopped(route.held[nth]!.lease))].sort((a, b) => (a.stream < b.stream ? -1 : 1));
    async function leaseAgain(route: LeasedRoute): Promise<LeasedRoute> {
      await fixture.database.leases.release(route.held.map((lane) => lane.lease));
      return lease(route);
    }

    describe('an entry', () => {
      it('is kept as it was settled, for the next holder too', async () => {
        const failure: LaneFailure = aFailure({
          ...{ stream: 'order-ü', revision: 2n ** 40n, attempts: 3, error: 'ü: refused' },
          nextTryAt: new Date('2030-01-01T00:00:00.123Z'),
        });
        const entries = (['halted', 'parked', 'redriving', 'waiting'] as const).map((state) =>
          aStoppedStream(`order-${state}`, 2n ** 40n, {
            state,
            failure: state === 'waiting' ? failure : { ...failure, nextTryAt: undefined },
          }),
        );
        const route = await lease();

        await settle(route, { stopped: entries });

        expect(await stopped(route)).to.deep.equal(entries);
        expect(await stopped(await leaseAgain(route))).to.deep.equal(entries);
      });

      it('outlives a holder that was killed', async () => {
        const route = await lease({ leaseMs: 50 });
        const entry = aStoppedStream('order-7', 3n);
        await settle(route, { stopped: [entry] });

        expect(await stopped(await takeOver(fixture.database, route))).to.deep.equal([entry]);
      });

      it('is there once the settlement is, together with the checkpoint', async () => {
        const stream = `${aPrefix()}s`;
        const route = await lease({ selection: { streams: [stream] } });
        await commit(fixture, stream, 2);
        const page = await route.lanes.read({ route: route.name, lane: 0, ...route, after: route.held[0]!.checkpoint, limit: 10 });

        await settle(route, { checkpoint: page.through, stopped: [aStoppedStream(stream, 0n)] });

        const next = await leaseAgain(route);
        expect(await stopped(next)).to.have.length(1);
        expect(await deliverAll(next)).to.deep.equal([]);
      });

      it('takes the place of the stream’s earlier one', async () => {
        const route = await lease();
        const other = aStoppedStream('order-8', 0n);
        await settle(route, { stopped: [aStoppedStream('order-7', 3n), other] });

        const changed = aStoppedStream('order-7', 5n, { state: 'redriving', stoppedAt: new Date('2025-01-01T00:00:00.000Z') });
        await settle(route, { stopped: [changed] });

        expect(await stopped(route)).to.deep.equal([changed, other]);
      });

      it('goes when its stream is resumed, and no other does', async () => {
        const route = await lease();
        const other = aStoppedStream('order-8', 0n);
        await settle(route, { stopped: [aStoppedStream('order-7', 3n), other] });

        await settle(route, { resumed: ['order-7', 'order-never-stopped'] });

        expect(await stopped(route)).to.deep.equal([other]);
      });

      it('stays where a settlement does not mention it', async () => {
        const route = await lease();
        const entry = aStoppedStream('order-7', 3n);
        await settle(route, { stopped: [entry] });

        await settle(route, { state: 'halted', failure: aFailure() });

        expect(await stopped(route)).to.deep.equal([entry]);
      });

      it('is of one route and lane', async () => {
        const [route, other] = [await lease({ order: 'stream' }), await lease({ order: 'stream' })];
        const entries = route.held.map((_, nth) => aStoppedStream('order-7', BigInt(nth)));
        for (const [nth, lane] of route.held.entries()) await settleLane(route, lane, { stopped: [entries[nth]!] });

        await settleLane(route, route.held[0]!, { resumed: ['order-7'] });

        for (const nth of route.held.keys()) expect(await stopped(route, nth)).to.deep.equal(nth === 0 ? [] : [entries[nth]]);
        expect(await stopped(other)).to.deep.equal([]);
      });

      it('keeps streams apart whose names differ in case, in trailing blanks, or in how they compose a letter', async () => {
        const route = await lease();
        const streams = ['sa', 'sA', 'sa ', 's\u00e4', 'sa\u0308'];

        await settle(route, { stopped: streams.map((stream, nth) => aStoppedStream(stream, BigInt(nth))) });

        const revisions = new Map((await stopped(route)).map(({ stream, fromRevision }) => [stream, fromRevision]));
        for (const [nth, stream] of streams.entries()) expect(revisions.get(stream), JSON.stringify(stream)).to.equal(BigInt(nth));
      });

      it('may come with any text for an error', async () => {
        const route = await lease();
        const texts = ['a\u0000b', 'a\ud800b', `a${'x'.repeat(100_000)}b`];

        for (const [nth, error] of texts.entries()) {
          await settle(route, { stopped: [aStoppedStream(`order-${nth}`, 0n, { failure: aFailure({ error }) })] });
        }

        for (const { failure } of await stopped(route)) expect(failure.error).to.match(/^a/);
        expect(await stopped(route)).to.have.length(3);
      });

      it('is one of any number', async () => {
        const route = await lease();
        const streams = Array.from({ length: 500 }, (_, nth) => `order-${String(nth).padStart(3, '0')}`);

        await settle(route, { stopped: streams.map((stream) => aStoppedStream(stream, 0n)) });
        const all = await stopped(route);
        await settle(route, { resumed: streams.slice(1) });

        expect(all.map(({ stream }) => stream)).to.deep.equal(streams);
        expect((await stopped(route)).map(({ stream }) => stream)).to.deep.equal(['order-000']);
      });

      it('is the same after the same settlement twice', async () => {
        const route = await lease();
        await settle(route, { stopped: [aStoppedStream('order-8', 0n)] });
        const settlement = { stopped: [aStoppedStream('order-7', 3n)], resumed: ['order-8'] };

        await settle(route, settlement);
        await settle(route, settlement);

        expect(await stopped(route)).to.deep.equal(settlement.stopped);
      });

      it('does not come, change or go under a lease that was lost', async () => {
        const route = await lease({ leaseMs: 50 });
        const entries = [aStoppedStream('order-7', 3n), aStoppedStream('order-8', 0n)];
        await settle(route, { stopped: entries });
        const heir = await takeOver(fixture.database, route);

        const error = await rejection(
          settle(route, { stopped: [aStoppedStream('order-7', 9n), aStoppedStream('order-9', 0n)], resumed: ['order-8'] }),
        );

        expect(error).to.include({ code: 'LEASE_LOST' });
        expect(await stopped(heir)).to.deep.equal(entries);
      });
    });

    describe('operators', () => {
      const asked = (query: Partial<StoppedQuery>): Promise<readonly RouteStoppedStream[]> =>
        fixture.database.status.stopped({ most: 100, ...query });
      const streamsOf = (entries: readonly RouteStoppedStream[]): readonly string[] => entries.map(({ stream }) => stream);

      it('see an entry with its route and lane', async () => {
        const route = await lease({ order: 'stream' });
        const lane = route.held.at(-1)!;
        const entry = aStoppedStream('order-7', 3n);

        await settleLane(route, lane, { stopped: [entry] });

        expect(await asked({ route: route.name })).to.deep.equal([{ ...entry, route: route.name, lane: lane.lease.lane }]);
      });

      it('ask by route, stream, state and error code, and by several of them', async () => {
        const prefix = aPrefix();
        const [one, other] = [await lease(), await lease()];
        const entry = (stream: string, state: StoppedStream['state'], code: string): StoppedStream =>
          aStoppedStream(prefix + stream, 0n, { state, failure: aFailure({ code }) });
        await settle(one, { stopped: [entry('a', 'parked', 'X'), entry('b', 'halted', 'X'), entry('c', 'parked', 'Y')] });
        await settle(other, { stopped: [entry('a', 'parked', 'X')] });

        expect(streamsOf(await asked({ route: one.name }))).to.have.members(['a', 'b', 'c'].map((stream) => prefix + stream));
        expect((await asked({ stream: `${prefix}a` })).map(({ route }) => route)).to.have.members([one.name, other.name]);
        expect(streamsOf(await asked({ route: one.name, state: 'parked' }))).to.have.members([`${prefix}a`, `${prefix}c`]);
        expect(streamsOf(await asked({ route: one.name, code: 'X' }))).to.have.members([`${prefix}a`, `${prefix}b`]);
        expect(streamsOf(await asked({ route: one.name, code: 'X', state: 'halted' }))).to.deep.equal([`${prefix}b`]);
        expect(await asked({ route: one.name, code: 'Z' })).to.deep.equal([]);
      });

      it('get no more than they ask for, the longest stopped first', async () => {
        const route = await lease();
        const at = (day: number): { stoppedAt: Date } => ({ stoppedAt: new Date(Date.UTC(2024, 0, day)) });
        await settle(route, {
          stopped: [aStoppedStream('third', 0n, at(3)), aStoppedStream('first', 0n, at(1)), aStoppedStream('second', 0n, at(2))],
        });

        expect(streamsOf(await asked({ route: route.name, most: 2 }))).to.deep.equal(['first', 'second']);
      });

      it('see how many streams a lane leaves out', async () => {
        const route = await lease();
        await settle(route, { stopped: [aStoppedStream('order-7', 0n), aStoppedStream('order-8', 0n)] });
        await settle(route, { resumed: ['order-8'] });

        const lanes = (await fixture.database.status.lanes()).filter((lane) => lane.route === route.name);

        expect(lanes.map((lane) => lane.stopped)).to.deep.equal([1]);
      });
    });

    for (const order of ['stream', 'global'] as const) {
      it(`are not called delivered from where they stopped on, in order "${order}"`, async () => {
        const stream = `${aPrefix()}s`;
        const route = await lease({ order, selection: { streams: [stream] } });
        await commit(fixture, stream, 4);
        await deliverAll(route);
        const progress = async (): Promise<readonly MessageProgress[]> =>
          [
            ...(await fixture.database.status.progress(
              route.name,
              [0n, 1n, 2n, 3n].map((revision) => ({ stream, revision })),
            )),
          ].sort((a, b) => (a.revision < b.revision ? -1 : 1));

        await settleLane(route, laneOfStream(route, stream), { stopped: [aStoppedStream(stream, 2n)] });
        const waiting = await progress();
        await settleLane(route, laneOfStream(route, stream), { resumed: [stream] });
        const delivered = await progress();

        expect(waiting.map(({ passed }) => passed)).to.deep.equal([true, true, false, false]);
        expect(waiting.map((one) => one.stopped)).to.deep.equal([undefined, undefined, 'parked', 'parked']);
        expect(delivered.map((one) => [one.passed, one.stopped])).to.deep.equal(Array(4).fill([true, undefined]));
      });
    }
  });
}

const commit = <Tx>({ database }: Fixture<Tx, 'transactions' | 'outbox'>, stream: string, count: number): Promise<unknown> =>
  database.transactions.run((tx) =>
    database.outbox.append([anAppend(stream, { messages: Array.from({ length: count }, () => aMessage()) })], tx),
  );
