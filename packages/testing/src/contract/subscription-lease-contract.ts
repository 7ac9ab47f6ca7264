import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { SubscriptionGrant, SubscriptionLease } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aHeldSubscription, anAdvance, aReport } from '../builders/a-subscription.js';
import { eventually } from '../builders/waiting.js';
import { againAfterConflicts } from './again-after-conflicts.js';
import type { Fixture } from './fixture.js';
import { holdTransaction } from './held-transaction.js';
import { rejection } from './rejection.js';

type Port = 'transactions' | 'subscriptions';

const SHORT_MS = 50;
const LONG_MS = 60_000;

/** The suite of the leases of `SubscriptionStore`: one holder at a time, and nothing that an earlier one writes counts. */
export function subscriptionLeaseContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`SubscriptionStore of ${name}: leases`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const held = (leaseMs = LONG_MS): Promise<SubscriptionGrant> => aHeldSubscription(fixture.database, { leaseMs });
    const acquire = (subscription: string, leaseMs = LONG_MS, owner = 'next'): Promise<SubscriptionGrant | undefined> =>
      fixture.database.subscriptions.acquire({ subscription, owner, leaseMs });
    const acquireExpired = ({ subscription }: SubscriptionLease, leaseMs = LONG_MS): Promise<SubscriptionGrant> =>
      eventually('the lease expiring', () => acquire(subscription, leaseMs, 'heir'));
    const advance = (lease: SubscriptionLease, position: bigint): Promise<void> =>
      againAfterConflicts(() =>
        fixture.database.transactions.run((tx) => fixture.database.subscriptions.advance(lease, anAdvance(position), tx)),
      );
    const position = async ({ subscription }: SubscriptionLease): Promise<bigint | undefined> =>
      (await fixture.database.subscriptions.find(subscription))!.position;

    it('gives a new one from its start, not as taken over', async () => {
      const { lease, progress, takenOver } = await aHeldSubscription(fixture.database, { start: 41n });

      expect(progress).to.deep.equal({ position: 41n, lastMessage: undefined, state: 'running', failure: undefined });
      expect(lease.expiresAt).to.be.a('date');
      expect(takenOver).to.equal(false);
    });

    it('gives none that somebody holds, not even to its holder, nor one that nobody has made known', async () => {
      const { lease } = await held();

      expect(await acquire(lease.subscription)).to.equal(undefined);
      expect(await acquire(lease.subscription, LONG_MS, 'one')).to.equal(undefined);
      expect(await acquire(`orders-${randomUUID()}`)).to.equal(undefined);
    });

    it('gives it to one of several that ask at once', async () => {
      const { lease } = await held();
      await fixture.database.subscriptions.release(lease);
      const other = (await fixture.another?.()) ?? fixture.database;

      const grants = await Promise.all(
        Array.from({ length: 8 }, (_, nth) =>
          (nth % 2 ? fixture.database : other).subscriptions.acquire({
            ...{ subscription: lease.subscription, owner: `${nth}`, leaseMs: LONG_MS },
          }),
        ),
      );

      expect(grants.filter((grant) => grant !== undefined)).to.have.length(1);
    });

    it('gives one whose lease has expired as taken over, under a higher epoch, where it is by then', async () => {
      const before = await held(SHORT_MS);
      await advance(before.lease, 5n);

      const heir = await acquireExpired(before.lease);

      expect(heir.takenOver).to.equal(true);
      expect(heir.lease.epoch > before.lease.epoch, 'the epoch grew').to.equal(true);
      expect(heir.progress).to.include({ position: 5n, lastMessage: 5n });
    });

    it('gives one that was given back at once, not as taken over, under a higher epoch', async () => {
      const before = await held();

      await fixture.database.subscriptions.release(before.lease);
      const next = await acquire(before.lease.subscription);

      expect(next!.takenOver).to.equal(false);
      expect(next!.lease.epoch > before.lease.epoch, 'the epoch grew').to.equal(true);
    });

    it('prolongs a lease under its epoch, and nobody else gets it', async () => {
      const { lease } = await held(4 * SHORT_MS);

      const renewed = (await fixture.database.subscriptions.renew(lease, LONG_MS))!.lease;

      expect(renewed).to.include({ subscription: lease.subscription, epoch: lease.epoch });
      expect(renewed.expiresAt.getTime()).to.be.above(lease.expiresAt.getTime() + LONG_MS / 2);
    });

    it('prolongs none that somebody else holds by now, that was given back, or that was removed', async () => {
      const [lost, released, removed] = [await held(SHORT_MS), await held(), await held()];
      const heir = await acquireExpired(lost.lease);
      await fixture.database.subscriptions.release(released.lease);
      await fixture.database.transactions.run((tx) => fixture.database.subscriptions.remove(removed.lease.subscription, tx));

      for (const { lease } of [lost, released, removed])
        expect(await fixture.database.subscriptions.renew(lease, LONG_MS)).to.equal(undefined);
      expect((await fixture.database.subscriptions.renew(heir.lease, LONG_MS))!.lease.epoch).to.equal(heir.lease.epoch);
    });

    it('leaves a lease alone that was lost when its last holder gives it back', async () => {
      const lost = await held(SHORT_MS);
      await acquireExpired(lost.lease);

      await fixture.database.subscriptions.release(lost.lease);
      await fixture.database.subscriptions.release(lost.lease);

      expect(await acquire(lost.lease.subscription)).to.equal(undefined);
    });

    it('commits nothing of a holder that has lost it, effects included', async () => {
      const lost = await held(SHORT_MS);
      const heir = await acquireExpired(lost.lease);
      await advance(heir.lease, 3n);
      const key = randomUUID();

      const refused = await rejection(
        fixture.database.transactions.run(async (tx) => {
          await fixture.write(key, tx);
          await fixture.database.subscriptions.advance(lost.lease, anAdvance(9n), tx);
        }),
      );

      expect(refused).to.include({ code: 'SUBSCRIPTION_LOST', subscription: lost.lease.subscription, epoch: lost.lease.epoch });
      expect(await position(lost.lease)).to.equal(3n);
      expect(await fixture.written()).not.to.include(key);
    });

    it('stores no report of a holder that has lost it', async () => {
      const lost = await held(SHORT_MS);
      await acquireExpired(lost.lease);

      const refused = await rejection(fixture.database.subscriptions.report(lost.lease, aReport({ state: 'stopped', caughtUp: true })));

      expect(refused).to.include({ code: 'SUBSCRIPTION_LOST' });
      expect(await fixture.database.subscriptions.find(lost.lease.subscription)).to.include({ state: 'running', caughtUp: false });
    });

    it('lets a holder commit whose lease has expired while nobody took it', async () => {
      const { lease } = await held(1);
      await eventually('the lease expiring', async () =>
        (await fixture.database.subscriptions.find(lease.subscription))!.owner === undefined ? true : undefined,
      );

      await advance(lease, 2n);

      expect(await position(lease)).to.equal(2n);
    });

    it('lets one of two commit that both believe to hold it', async () => {
      const frozen = await held(SHORT_MS);
      const slow = await holdTransaction(fixture.database.transactions, (tx) =>
        fixture.database.subscriptions.advance(frozen.lease, anAdvance(5n, { messages: 5 }), tx),
      );

      const taking = acquireExpired(frozen.lease);
      const outcome = await slow.commit().then(
        () => 'committed' as const,
        () => 'rolled back' as const,
      );
      const heir = await taking;

      // Either the heir waits for the transaction and goes on behind it, or the transaction fails; an adapter may do either.
      expect(heir.progress.position).to.equal(outcome === 'committed' ? 5n : undefined);
      const { messages } = (await fixture.database.subscriptions.find(frozen.lease.subscription))!;
      expect(messages).to.equal(outcome === 'committed' ? 5n : 0n);
    });

    it('commits nothing of one whose subscription was removed, not even once it is known again', async () => {
      const { lease } = await held();
      const { subscription } = lease;
      await fixture.database.transactions.run((tx) => fixture.database.subscriptions.remove(subscription, tx));
      const removed = await rejection(advance(lease, 5n));
      await fixture.database.subscriptions.register(subscription, 'a log', undefined);

      const anew = await rejection(advance(lease, 5n));
      const next = await acquire(subscription);

      for (const refused of [removed, anew]) expect(refused).to.include({ code: 'SUBSCRIPTION_LOST' });
      expect(next!.lease.epoch > lease.epoch, 'the epoch grew').to.equal(true);
      expect(next!.progress.position).to.equal(undefined);
      expect(await rejection(advance(lease, 5n))).to.include({ code: 'SUBSCRIPTION_LOST' });
    });
  });
}
