import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { InboxClaim } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aClaim } from '../builders/a-claim.js';
import { aMessage, anAppend } from '../builders/a-message.js';
import { eventually } from '../builders/waiting.js';
import { deliverAll, laneOfStream, leaseRoute, settleLane, takeOver } from '../ordering/leased-route.js';
import type { LeasedRoute } from '../ordering/leased-route.js';
import type { OrderingPort } from '../ordering/ordering-contract.js';
import { againAfterConflicts } from './again-after-conflicts.js';
import type { Fixture } from './fixture.js';
import { rejection } from './rejection.js';

type Port = OrderingPort | 'retention' | 'inbox';

const HOUR_MS = 3_600_000;

/** The suite of `Retention.removeClaims`: by proof where the outbox can give it, by age elsewhere. */
export function claimRetentionContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`Retention of claims of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const claim = (wanted: InboxClaim): Promise<boolean> =>
      againAfterConflicts(() => fixture.database.transactions.run((tx) => fixture.database.inbox.claim(wanted, tx)));
    const isKept = ({ handler, messageId }: InboxClaim): Promise<boolean> => fixture.database.inbox.claimed(handler, messageId);
    const remove = (olderThanMs = Infinity, most = 1_000): Promise<number> =>
      fixture.database.retention.removeClaims({ olderThanMs, most });
    const ago = (ms: number): Date => new Date(Date.now() - ms);

    /** Messages of one stream and, of each, a claim of the route that delivers them. */
    async function claimedMessages(count: number, idOf = (id: string): string => id) {
      const [stream, messages] = [`order-${randomUUID()}`, Array.from({ length: count }, () => aMessage())];
      const route = await leaseRoute(fixture.database, { order: 'global', leaseMs: 50 });
      await fixture.database.transactions.run((tx) => fixture.database.outbox.append([anAppend(stream, { messages })], tx));
      const { lease } = laneOfStream(route, stream);
      const lane = { route: route.name, lane: lease.lane, epoch: lease.epoch };
      const claims = messages.map(({ id }) => aClaim({ messageId: idOf(id), lane }));
      for (const one of claims) await claim(one);
      return { stream, route, claims };
    }

    /** Delivers and removes every message, whichever route it still waits for. */
    async function removeMessages(stream: string, route: LeasedRoute): Promise<void> {
      for (const { name: other } of await fixture.database.routes.all())
        if (other !== route.name) await fixture.database.routes.retire(other);
      await deliverAll(route);
      for (const lane of route.held) await settleLane(route, lane);
      await eventually('the removal of the messages', async () => {
        await fixture.database.retention.removeMessages({ olderThanMs: 0, most: 1_000 });
        const { tail } = await fixture.database.transactions.run((tx) => fixture.database.outbox.headAndTail(stream, 0n, tx));
        return tail.length === 0 ? true : undefined;
      });
    }

    it('removes the claim of a message that the outbox has no more, however young', async () => {
      const { stream, route, claims } = await claimedMessages(2);
      await removeMessages(stream, route);

      const removed = await remove();

      expect(removed).to.equal(2);
      expect(await Promise.all(claims.map(isKept))).to.deep.equal([false, false]);
    });

    it('removes the claim of an arrival, whose source is behind its id, by the same proof', async () => {
      const { stream, route, claims } = await claimedMessages(1, (id) => `${id} https://shop.example/orders`);
      await remove(0);
      const before = await isKept(claims[0]!);
      await removeMessages(stream, route);

      await remove();

      expect([before, await isKept(claims[0]!)]).to.deep.equal([true, false]);
    });

    it('keeps the claim of a message that is still in the outbox, however old', async () => {
      const { claims } = await claimedMessages(1);
      const old = { ...claims[0]!, handler: 'another', firstAttemptAt: ago(HOUR_MS) };
      await claim(old);

      await remove(0);

      expect([await isKept(claims[0]!), await isKept(old)]).to.deep.equal([true, true]);
    });

    it('lets who has lost the lane claim nothing after that', async () => {
      const { stream, route, claims } = await claimedMessages(1);
      const heir = await takeOver(fixture.database, route);
      await removeMessages(stream, heir);
      await remove();

      const refused = await rejection(claim(claims[0]!));

      expect(refused).to.include({ code: 'LEASE_LOST' });
      expect(await isKept(claims[0]!)).to.equal(false);
    });

    it('removes other claims once their first attempt is as old as asked', async () => {
      const [old, young] = [aClaim({ firstAttemptAt: ago(2 * HOUR_MS) }), aClaim()];
      for (const one of [old, young]) await claim(one);

      await remove(HOUR_MS);

      expect([await isKept(old), await isKept(young)]).to.deep.equal([false, true]);
    });

    it('goes by age where the lane is of a route that this database does not know', async () => {
      const lane = { route: `route-${randomUUID()}`, lane: 0, epoch: 1n };
      const [old, young] = [aClaim({ lane, firstAttemptAt: ago(2 * HOUR_MS) }), aClaim({ lane })];
      for (const one of [old, young]) await claim(one);

      await remove(HOUR_MS);

      expect([await isKept(old), await isKept(young)]).to.deep.equal([false, true]);
    });

    it('removes none by age without a limit', async () => {
      const old = aClaim({ firstAttemptAt: new Date(0) });
      await claim(old);

      await remove(Infinity);

      expect(await isKept(old)).to.equal(true);
    });

    it('removes no more at once than asked, proven and old together, and says how many', async () => {
      await eventually('the removal of all that was there', async () => ((await remove(0)) === 0 ? true : undefined));
      const { stream, route, claims } = await claimedMessages(3);
      const old = [1, 2].map(() => aClaim({ firstAttemptAt: ago(HOUR_MS) }));
      for (const one of old) await claim(one);
      await removeMessages(stream, route);

      const counts = [await remove(0, 2), await remove(0, 2), await remove(0, 2), await remove(0, 2)];

      expect(counts).to.deep.equal([2, 2, 1, 0]);
      for (const one of [...claims, ...old]) expect(await isKept(one)).to.equal(false);
    });
  });
}
