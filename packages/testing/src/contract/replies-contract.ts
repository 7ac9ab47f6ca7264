import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { MessageToAppend, OutboxRow, Settlement, StoredMessage, StreamAppend } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aMessage, anAppend } from '../builders/a-message.js';
import { aStoppedStream } from '../builders/a-stopped-stream.js';
import { deliverAll, leaseRoute, readNext, settleLane, takeOver } from '../ordering/leased-route.js';
import type { LeasedRoute, LeaseRouteOptions } from '../ordering/leased-route.js';
import type { OrderingPort } from '../ordering/ordering-contract.js';
import { againAfterConflicts } from './again-after-conflicts.js';
import type { Fixture } from './fixture.js';
import { rejection } from './rejection.js';

/** How many settle, and as many commit, side by side. */
const SIDE_BY_SIDE = 5;
const ROUNDS = 8;

/** The suite of `Settlement.replies`: messages that are appended in the settlement's transaction, once. */
export function repliesContract<Tx>(name: string, open: () => Promise<Fixture<Tx, OrderingPort>>): void {
  describe(`replies in settlements of ${name}`, () => {
    let fixture: Fixture<Tx, OrderingPort>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const aKey = (): string => `key-${randomUUID()}`;
    const lease = (options: LeaseRouteOptions = {}): Promise<LeasedRoute> => leaseRoute(fixture.database, { order: 'global', ...options });
    const commit = (...appends: readonly StreamAppend[]): Promise<unknown> =>
      fixture.database.transactions.run((tx) => fixture.database.outbox.append(appends, tx));
    const settle = (route: LeasedRoute, ...replies: readonly StreamAppend[]): Promise<void> =>
      settleLane(route, route.held[0]!, { replies });
    const tailOf = async (stream: string): Promise<readonly StoredMessage[]> =>
      (await fixture.database.transactions.run((tx) => fixture.database.outbox.headAndTail(stream, 0n, tx))).tail;
    const placesOf = async (stream: string): Promise<readonly (readonly [string, bigint])[]> =>
      (await tailOf(stream)).map(({ id, revision }) => [id, revision] as const);
    const inPlaces = (messages: readonly MessageToAppend[]): readonly (readonly [string, bigint])[] =>
      messages.map(({ id }, nth) => [id, BigInt(nth)] as const);

    it('are delivered as they were given, in the order of their stream, behind what it had before', async () => {
      const [one, other] = [aKey(), aKey()];
      const before = aMessage('Before');
      await commit(anAppend(one, { messages: [before] }));
      const [reader, route] = [await lease({ start: 'beginning', selection: { streams: [one, other] } }), await lease()];
      const replies = [aMessage('A', { payload: '{"text":"\\u0000 \\"ü\\""}' }), aMessage('B'), aMessage('C')];

      await settle(route, anAppend(one, { messages: replies.slice(0, 2) }), anAppend(other, { messages: replies.slice(2) }));

      const rows = await deliverAll(reader);
      const of = (stream: string): readonly OutboxRow[] => rows.filter((row) => row.stream === stream);
      expect(of(one).map(({ id, revision }) => [id, revision])).to.deep.equal(inPlaces([before, ...replies.slice(0, 2)]));
      expect(of(other)).to.have.length(1);
      expect(of(one)[1]).to.deep.include({ ...replies[0]!, stream: one, revision: 1n });
      expect(of(other)[0]).to.deep.include({ ...replies[2]!, stream: other, revision: 0n });
    });

    it('are stored with all that the settlement says', async () => {
      const [stream, key] = [`order-${randomUUID()}`, aKey()];
      await commit(anAppend(stream, { messages: [aMessage(), aMessage()] }));
      const route = await lease({ start: 'beginning', selection: { streams: [stream] } });
      const { rows } = await readNext(route, route.held[0]!);

      await settleLane(route, route.held[0]!, {
        ...{ checkpoint: rows[0]!.checkpoint, replies: [anAppend(key)], stopped: [aStoppedStream('order-2', 0n)] },
        delivered: [{ stream, revision: 0n }],
      });

      expect(await tailOf(key)).to.have.length(1);
      expect(await fixture.database.lanes.stopped(route.held[0]!.lease)).to.have.length(1);
      expect(await fixture.database.lanes.delivered(route.name, [stream])).to.deep.equal([{ stream, revision: 0n }]);
      expect((await deliverAll(route)).map(({ revision }) => revision)).to.deep.equal([1n]);
    });

    it('are there once, however often the settlement is stored', async () => {
      const key = aKey();
      const route = await lease();
      const messages = [aMessage(), aMessage()];

      await settle(route, anAppend(key, { messages }));
      await settle(route, anAppend(key, { messages }));

      expect(await placesOf(key)).to.deep.equal(inPlaces(messages));
    });

    it('that the outbox has already are left out, in whatever stream it has them, and the others are not', async () => {
      const [key, another] = [aKey(), aKey()];
      const route = await lease();
      const [known, unknown] = [aMessage(), aMessage()];
      await settle(route, anAppend(key, { messages: [known] }));

      await settle(route, anAppend(another, { messages: [known, unknown] }));

      expect(await placesOf(key)).to.deep.equal(inPlaces([known]));
      expect(await placesOf(another)).to.deep.equal(inPlaces([unknown]));
    });

    it('are there once also when the settlement is stored twice at the same time', async () => {
      const key = aKey();
      const route = await lease();
      const messages = [aMessage(), aMessage()];

      await Promise.all([1, 2, 3].map(() => settle(route, anAppend(key, { messages }))));

      expect(await placesOf(key)).to.deep.equal(inPlaces(messages));
    });

    it('under a lease that was lost are not appended', async () => {
      const key = aKey();
      const route = await lease({ leaseMs: 50 });
      await takeOver(fixture.database, route);

      const error = await rejection(settle(route, anAppend(key)));

      expect(error).to.include({ code: 'LEASE_LOST', route: route.name, lane: 0 });
      expect(await tailOf(key)).to.deep.equal([]);
    });

    it('that cannot be appended leave nothing of the settlement behind', async () => {
      const [stream, key] = [`order-${randomUUID()}`, aKey()];
      await commit(anAppend(stream), anAppend(key));
      const route = await lease({ start: 'beginning', selection: { streams: [stream] } });
      const { through } = await readNext(route, route.held[0]!);
      const settlement: Partial<Settlement> = {
        ...{ checkpoint: through, replies: [anAppend(key, { expected: 'no-stream' })] },
        delivered: [{ stream, revision: 0n }],
      };

      const error = await rejection(
        fixture.database.lanes.settle(route.held[0]!.lease, { ...RUNNING, checkpoint: through, ...settlement }),
      );

      expect(error).to.include({ code: 'CONCURRENCY', stream: key });
      expect(await tailOf(key)).to.have.length(1);
      expect(await fixture.database.lanes.delivered(route.name, [stream])).to.deep.equal([]);
      await fixture.database.leases.release(route.held.map((lane) => lane.lease));
      expect(await deliverAll(await lease({ ...route, start: 'beginning' }))).to.have.length(1);
    });

    it('all get through beside commits, and other settlements, to the same streams', async () => {
      const keys = [aKey(), aKey(), aKey()];
      const appends = (): readonly StreamAppend[] => keys.map((key) => anAppend(key));
      const settling = await Promise.all(Array.from({ length: SIDE_BY_SIDE }, () => lease()));

      await Promise.all([
        ...settling.map(async (route, nth) => {
          for (let round = 0; round < ROUNDS; round++) await settle(route, ...((round + nth) % 2 ? appends() : [...appends()].reverse()));
        }),
        ...settling.map(async () => {
          for (let round = 0; round < ROUNDS; round++) await againAfterConflicts(() => commit(...appends()));
        }),
      ]);

      const expected = Array.from({ length: 2 * SIDE_BY_SIDE * ROUNDS }, (_, nth) => BigInt(nth));
      for (const key of keys) expect((await tailOf(key)).map(({ revision }) => revision)).to.deep.equal(expected);
    });
  });
}

const RUNNING = { state: 'running', failure: undefined, suspects: 0 } as const;
