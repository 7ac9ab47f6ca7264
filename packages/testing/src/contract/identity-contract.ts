import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Mark, OutboxRow } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aFailure } from '../builders/a-failure.js';
import { aHeldSubscription, anAdvance } from '../builders/a-subscription.js';
import { aMessage, anAppend } from '../builders/a-message.js';
import { aStoppedStream } from '../builders/a-stopped-stream.js';
import { deliverAll, leaseRoute, readNext, settleLane } from '../ordering/leased-route.js';
import type { LeasedRoute } from '../ordering/leased-route.js';
import type { DatabaseFixture } from './fixture.js';
import { rejection } from './rejection.js';

/** The suite of `OutboxIdentity`, and of `adopt`, which gives an outbox a new one. */
export function identityContract<Tx>(name: string, open: () => Promise<DatabaseFixture<Tx>>): void {
  describe(`OutboxIdentity of ${name}`, () => {
    let fixture: DatabaseFixture<Tx>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const mark = (): Promise<Mark> => fixture.database.identity.mark();
    const nextAfter = (last: Mark): Mark => ({ outboxId: last.outboxId, number: last.number + 1n, nonce: randomUUID() });
    const commit = (stream: string, count: number): Promise<unknown> =>
      fixture.database.transactions.run((tx) =>
        fixture.database.outbox.append([anAppend(stream, { messages: Array.from({ length: count }, () => aMessage()) })], tx),
      );
    const leaseAgain = (route: LeasedRoute): Promise<LeasedRoute> =>
      leaseRoute(fixture.database, { name: route.name, order: route.order, selection: route.selection, owner: 'next' });

    // First of all, for it needs an outbox that is new.
    it('has mark 0 in a new outbox, and the same for every process', async () => {
      const other = (await fixture.another?.()) ?? fixture.database;

      const first = await mark();

      expect(first.number).to.equal(0n);
      expect([first.outboxId, first.nonce]).to.satisfy((texts: readonly unknown[]) =>
        texts.every((text) => typeof text === 'string' && text),
      );
      expect(await other.identity.mark()).to.deep.equal(first);
    });

    it('replaces the last mark', async () => {
      const last = await mark();
      const next = nextAfter(last);

      expect(await fixture.database.identity.advance(last, next)).to.equal(true);
      expect(await mark()).to.deep.equal(next);
    });

    it('replaces no mark but the last, letter by letter', async () => {
      const older = await mark();
      const last = nextAfter(older);
      await fixture.database.identity.advance(older, last);

      for (const from of [older, { ...last, nonce: randomUUID() }, { ...last, number: 2n ** 40n }, { ...last, outboxId: randomUUID() }]) {
        expect(await fixture.database.identity.advance(from, nextAfter(from))).to.equal(false);
      }
      expect(await mark()).to.deep.equal(last);
    });

    it('lets one of many replace a mark', async () => {
      const last = await mark();
      const other = (await fixture.another?.()) ?? fixture.database;
      const wanted = Array.from({ length: 6 }, () => nextAfter(last));

      const won = await Promise.all(wanted.map((to, nth) => (nth % 2 ? fixture.database : other).identity.advance(last, to)));

      expect(won.filter(Boolean)).to.have.length(1);
      expect(await mark()).to.deep.equal(wanted[won.indexOf(true)]);
    });

    describe('adopt', () => {
      it('gives the outbox a new id, from whose mark 0 it goes on', async () => {
        const before = await mark();

        const adoption = await fixture.database.adopt();

        const anew = await mark();
        expect(adoption).to.include({ previousId: before.outboxId, outboxId: anew.outboxId });
        expect(anew.outboxId).to.not.equal(before.outboxId);
        expect(anew.number).to.equal(0n);
        expect(await fixture.database.identity.advance(before, nextAfter(before))).to.equal(false);
        await fixture.database.verify();
      });

      it('ends leases: whoever held a lane changes nothing, and the next takes it at once', async () => {
        const route = await leaseRoute(fixture.database);

        await fixture.database.adopt();
        const error = await rejection(settleLane(route, route.held[0]!, { state: 'halted', failure: aFailure() }));
        const next = await leaseAgain(route);

        expect(error).to.include({ code: 'LEASE_LOST' });
        expect(next.held).to.have.length(route.held.length);
      });

      it('ends leases of subscriptions, far behind every epoch that the original may have come to since; each stays where it is', async () => {
        const { subscriptions, transactions } = fixture.database;
        const { lease } = await aHeldSubscription(fixture.database);
        await transactions.run((tx) => subscriptions.advance(lease, anAdvance(7n), tx));

        await fixture.database.adopt();
        const error = await rejection(transactions.run((tx) => subscriptions.advance(lease, anAdvance(8n), tx)));
        const next = await subscriptions.acquire({ subscription: lease.subscription, owner: 'next', leaseMs: 60_000 });

        expect(error).to.include({ code: 'SUBSCRIPTION_LOST' });
        expect(next!.lease.epoch > lease.epoch + 999_999n, `${next!.lease.epoch} after ${lease.epoch}`).to.equal(true);
        expect(next!.progress.position).to.equal(7n);
      });

      it('goes on far behind every epoch that the original may have come to since, with new lanes, too', async () => {
        const route = await leaseRoute(fixture.database, { order: 'stream' });
        const epochs = ({ held }: LeasedRoute): readonly bigint[] => held.map(({ lease }) => lease.epoch);
        const highest = epochs(route).reduce((most, epoch) => (epoch > most ? epoch : most));

        await fixture.database.adopt();
        const [again, later] = [await leaseAgain(route), await leaseRoute(fixture.database, { order: 'stream' })];

        for (const epoch of [...epochs(again), ...epochs(later)])
          expect(epoch > highest + 999_999n, `${epoch} after ${highest}`).to.equal(true);
      });

      for (const order of ['stream', 'global'] as const) {
        it(`lets every lane go on from where it is, in order "${order}"`, async () => {
          const prefix = `${randomUUID()}-`;
          const route = await leaseRoute(fixture.database, { order, selection: { streams: [prefix] } });
          for (let nth = 0; nth < 5; nth++) await commit(`${prefix}${nth}`, 2);
          await deliverAll(route);
          for (let nth = 0; nth < 5; nth++) await commit(`${prefix}${nth}`, 2);

          await fixture.database.adopt();
          await commit(`${prefix}later`, 1);

          const delivered = places(await deliverAll(await leaseAgain(route)));
          const expected = [0, 1, 2, 3, 4].flatMap((nth) => [`${prefix}${nth}@2`, `${prefix}${nth}@3`]);
          expect(delivered).to.have.members([...expected, `${prefix}later@0`]);
          for (let nth = 0; nth < 5; nth++)
            expect(delivered.indexOf(`${prefix}${nth}@2`)).to.be.below(delivered.indexOf(`${prefix}${nth}@3`));
        });
      }

      it('leaves stopped what was stopped', async () => {
        const route = await leaseRoute(fixture.database, { order: 'global' });
        const [failure, entry] = [aFailure(), aStoppedStream('order-7', 3n)];
        await settleLane(route, route.held[0]!, { state: 'halted', failure, stopped: [entry] });

        await fixture.database.adopt();

        const next = await leaseAgain(route);
        expect((await fixture.database.status.lanes()).find((lane) => lane.route === route.name)).to.deep.include({
          state: 'halted',
          failure,
        });
        expect(await fixture.database.lanes.stopped(next.held[0]!.lease)).to.deep.equal([entry]);
      });

      it('tells of every route what will be delivered, and what stays stopped', async () => {
        const prefix = `${randomUUID()}-`;
        const selection = { streams: [prefix] };
        const route = await leaseRoute(fixture.database, { order: 'global', selection });
        const retired = await leaseRoute(fixture.database, { order: 'global', selection });
        await fixture.database.routes.retire(retired.name);
        await commit(`${prefix}a`, 3);
        await commit(`${prefix}b`, 2);
        const { rows } = await readNext(route, route.held[0]!);
        await settleLane(route, route.held[0]!, { checkpoint: rows[2]!.checkpoint, stopped: [aStoppedStream(`${prefix}a`, 1n)] });

        const { routes } = await fixture.database.adopt();

        expect(routes.find((told) => told.route === route.name)).to.deep.equal({ route: route.name, pending: 2, stopped: 1 });
        expect(routes.find((told) => told.route === retired.name)).to.equal(undefined);
        const names = routes.map((told) => told.route);
        expect(names).to.deep.equal([...names].sort());
      });
    });
  });
}

const places = (rows: readonly OutboxRow[]): readonly string[] => rows.map(({ stream, revision }) => `${stream}@${revision}`);
