import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { StoredSubscription, SubscriptionAdvance, SubscriptionFailure, SubscriptionLease, SubscriptionOrders } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aHeldSubscription, anAdvance, aReport } from '../builders/a-subscription.js';
import { isWaiting } from '../builders/waiting.js';
import { againAfterConflicts } from './again-after-conflicts.js';
import type { Fixture } from './fixture.js';
import { holdTransaction } from './held-transaction.js';
import { rejection } from './rejection.js';

type Port = 'transactions' | 'subscriptions';

const LONG_MS = 60_000;

/** The suite of what `SubscriptionStore` keeps: places, failures, orders and what is passed. Leases have a suite of their own. */
export function subscriptionStoreContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`SubscriptionStore of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const aName = (): string => `orders-${randomUUID()}`;
    const transact = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> =>
      againAfterConflicts(() => fixture.database.transactions.run(work));
    const held = async (): Promise<SubscriptionLease> => (await aHeldSubscription(fixture.database)).lease;
    const advance = (lease: SubscriptionLease, step: SubscriptionAdvance): Promise<void> =>
      transact((tx) => fixture.database.subscriptions.advance(lease, step, tx));
    const find = async ({ subscription }: Pick<SubscriptionLease, 'subscription'>): Promise<StoredSubscription> =>
      (await fixture.database.subscriptions.find(subscription))!;
    const orders = async (lease: SubscriptionLease): Promise<SubscriptionOrders> =>
      (await fixture.database.subscriptions.renew(lease, LONG_MS))!.orders;
    const remove = (subscription: string): Promise<boolean> => transact((tx) => fixture.database.subscriptions.remove(subscription, tx));
    const aFailureOf = (overrides: Partial<SubscriptionFailure> = {}): SubscriptionFailure => ({
      message: { id: randomUUID(), type: 'OrderPlaced', stream: 'order-7', revision: 2n ** 62n, position: 2n ** 63n - 1n },
      ...{ attempts: 3, nextTryAt: new Date('2030-01-01T00:00:00.123Z'), code: 'MESSAGE_REJECTED', error: 'column "x" is missing' },
      ...overrides,
    });

    it('knows a subscription once it is registered, as new, and once only', async () => {
      const subscription = aName();
      const other = (await fixture.another?.()) ?? fixture.database;
      const before = await fixture.database.subscriptions.find(subscription);

      await Promise.all([fixture.database, other, fixture.database].map((one) => one.subscriptions.register(subscription, 'a log', 7n)));
      await fixture.database.subscriptions.register(subscription, 'a log', 99n);

      expect(before).to.equal(undefined);
      expect(await find({ subscription })).to.deep.equal({
        ...{ subscription, positions: 'a log', position: 7n, lastMessage: undefined, state: 'running', failure: undefined },
        ...{ paused: false, owner: undefined, epoch: (await find({ subscription })).epoch, caughtUp: false, head: undefined },
        ...{ lastOccurredAt: undefined, messages: 0n, movedAt: undefined },
      });
    });

    it('refuses one whose positions mean something else, and keeps its place', async () => {
      const subscription = aName();
      await fixture.database.subscriptions.register(subscription, 'a log', 7n);

      const refused = await rejection(fixture.database.subscriptions.register(subscription, 'another log', undefined));

      expect(refused).to.include({ code: 'SUBSCRIPTION_REFUSED', subscription });
      expect(await find({ subscription })).to.include({ positions: 'a log', position: 7n });
    });

    it('tells all, by name', async () => {
      const made = [await held(), await held(), await held()].map(({ subscription }) => subscription);

      const names = (await fixture.database.subscriptions.all()).map(({ subscription }) => subscription);

      expect(names.filter((one) => made.includes(one))).to.deep.equal([...made].sort());
    });

    it('moves on with the effects of the transaction, and not without them', async () => {
      const lease = await held();
      const [kept, lost] = [randomUUID(), randomUUID()];
      const handle = (key: string, step: SubscriptionAdvance, fails: boolean): Promise<void> =>
        transact(async (tx) => {
          await fixture.write(key, tx);
          await fixture.database.subscriptions.advance(lease, step, tx);
          if (fails) throw new Error('rolled back');
        });

      await handle(kept, anAdvance(4n), false);
      await rejection(handle(lost, anAdvance(9n), true));

      expect(await find(lease)).to.include({ position: 4n, lastMessage: 4n, messages: 1n });
      expect(await fixture.written())
        .to.include(kept)
        .and.not.include(lost);
      expect(await fixture.database.subscriptions.passed(lease.subscription, ['order-7'])).to.deep.equal([
        { stream: 'order-7', revision: 4n },
      ]);
    });

    it('counts messages, and tells when the last one occurred and was committed', async () => {
      const lease = await held();
      const occurredAt = new Date('2024-03-01T00:00:00.250Z');

      await advance(lease, anAdvance(4n, { messages: 500 }));
      await advance(lease, anAdvance(6n, { messages: 2, lastOccurredAt: occurredAt }));

      const { movedAt, ...found } = await find(lease);
      expect(found).to.deep.include({ messages: 502n, lastOccurredAt: occurredAt, owner: 'one' });
      expect(movedAt).to.be.a('date');
    });

    it('keeps what is told of the last message when it passes others by', async () => {
      const lease = await held();
      await advance(lease, anAdvance(4n));

      await advance(lease, { position: 1_000n, messages: 0, streams: [] });

      expect(await find(lease)).to.deep.include({
        ...{ position: 1_000n, lastMessage: 4n, lastOccurredAt: new Date('2024-02-29T12:00:00.000Z'), messages: 1n },
      });
    });

    it('goes back with neither position nor revision', async () => {
      const lease = await held();
      await advance(lease, anAdvance(9n));

      await advance(lease, anAdvance(3n));

      expect(await find(lease)).to.include({ position: 9n, lastMessage: 9n });
      expect(await fixture.database.subscriptions.passed(lease.subscription, ['order-7'])).to.deep.equal([
        { stream: 'order-7', revision: 9n },
      ]);
    });

    it('keeps positions and revisions of 63 bits', async () => {
      const [lease, most] = [await held(), 2n ** 63n - 1n];

      await advance(lease, anAdvance(most));
      await fixture.database.subscriptions.report(lease, aReport({ head: most }));

      expect(await find(lease)).to.include({ position: most, lastMessage: most, head: most });
      expect(await fixture.database.subscriptions.passed(lease.subscription, ['order-7'])).to.deep.equal([
        { stream: 'order-7', revision: most },
      ]);
    });

    it('moves on in several steps of one transaction', async () => {
      const lease = await held();

      await transact(async (tx) => {
        await fixture.database.subscriptions.advance(lease, anAdvance(1n), tx);
        await fixture.database.subscriptions.advance(lease, anAdvance(2n), tx);
      });

      expect(await find(lease)).to.include({ position: 2n, messages: 2n });
    });

    it('tells the last revision of each stream that it has passed, and leaves out the others', async () => {
      const [lease, other] = [await held(), await held()];
      const streams = Array.from({ length: 500 }, (_, nth) => ({ stream: `order-${nth}`, revision: BigInt(nth) }));
      await advance(lease, anAdvance(4n, { messages: 500, streams }));
      await advance(lease, anAdvance(5n, { streams: [{ stream: 'order-499', revision: 1_000n }] }));
      await advance(other, anAdvance(5n, { streams: [{ stream: 'order-1', revision: 77n }] }));

      const passed = await fixture.database.subscriptions.passed(lease.subscription, ['order-1', 'order-499', 'order-none', 'order-1']);

      expect([...passed].sort((one, next) => (one.revision < next.revision ? -1 : 1))).to.deep.equal([
        { stream: 'order-1', revision: 1n },
        { stream: 'order-499', revision: 1_000n },
      ]);
      expect(await fixture.database.subscriptions.passed(lease.subscription, [])).to.deep.equal([]);
      expect(await fixture.database.subscriptions.passed(aName(), ['order-1'])).to.deep.equal([]);
    });

    for (const [what, failure] of [
      ['of a message', aFailureOf()],
      ['of the log', aFailureOf({ message: undefined, attempts: 0 })],
      ['without another try', aFailureOf({ nextTryAt: undefined })],
    ] as const)
      it(`keeps a failure ${what} for the next holder, until it has moved on`, async () => {
        const lease = await held();
        await fixture.database.subscriptions.report(lease, aReport({ state: 'stopped', failure }));
        const stored = await find(lease);
        await fixture.database.subscriptions.release(lease);

        const next = (await fixture.database.subscriptions.acquire({ subscription: lease.subscription, owner: 'next', leaseMs: LONG_MS }))!;
        await advance(next.lease, anAdvance(3n));

        expect(stored).to.deep.include({ state: 'stopped', failure });
        expect(next.progress).to.deep.equal({ position: undefined, lastMessage: undefined, state: 'stopped', failure });
        expect(await find(lease)).to.include({ state: 'running', failure: undefined });
      });

    it('takes a failure away that is reported no more', async () => {
      const lease = await held();
      await fixture.database.subscriptions.report(lease, aReport({ state: 'waiting', failure: aFailureOf() }));

      await fixture.database.subscriptions.report(lease, aReport({ state: 'running' }));

      expect(await find(lease)).to.include({ state: 'running', failure: undefined });
    });

    it('tells how far it is behind as its holder reported, and never of a caught-up one that nobody holds', async () => {
      const lease = await held();
      await fixture.database.subscriptions.report(lease, aReport({ caughtUp: true, head: 12n }));
      const reported = await find(lease);

      await fixture.database.subscriptions.release(lease);

      expect(reported).to.include({ caughtUp: true, head: 12n, owner: 'one' });
      expect(await find(lease)).to.include({ caughtUp: false, head: 12n, owner: undefined });
    });

    it('brings an order to pause, until it is told otherwise', async () => {
      const lease = await held();
      const before = await orders(lease);

      const known = await fixture.database.subscriptions.order(lease.subscription, { paused: true });
      const paused = [(await orders(lease)).paused, (await find(lease)).paused];
      await fixture.database.subscriptions.report(lease, aReport({ resumed: true }));
      const still = (await orders(lease)).paused;
      await fixture.database.subscriptions.order(lease.subscription, { paused: false });

      expect(before).to.deep.equal({ paused: false, resume: undefined });
      expect([known, ...paused, still]).to.deep.equal([true, true, true, true]);
      expect(await orders(lease)).to.deep.equal({ paused: false, resume: undefined });
    });

    for (const resume of [
      { skip: undefined, reason: undefined },
      { skip: randomUUID(), reason: 'it can never be handled' },
    ])
      it(`brings an order to resume, ${resume.skip ? 'with the message to pass by' : 'of nothing in particular'}, until it is carried out`, async () => {
        const lease = await held();

        await fixture.database.subscriptions.order(lease.subscription, { resume });
        const brought = await orders(lease);
        await fixture.database.subscriptions.report(lease, aReport());
        const still = await orders(lease);
        await fixture.database.subscriptions.report(lease, aReport({ resumed: true }));

        expect(brought).to.deep.equal({ paused: false, resume });
        expect(still).to.deep.equal({ paused: false, resume });
        expect(await orders(lease)).to.deep.equal({ paused: false, resume: undefined });
      });

    it('takes orders for one that nobody holds, and none for one that is not known', async () => {
      const subscription = aName();
      await fixture.database.subscriptions.register(subscription, 'a log', undefined);

      const answers = [
        await fixture.database.subscriptions.order(subscription, { paused: true }),
        await fixture.database.subscriptions.order(aName(), { paused: true }),
        await fixture.database.subscriptions.order(aName(), { resume: { skip: undefined, reason: undefined } }),
      ];

      expect(answers).to.deep.equal([true, false, false]);
      expect(await find({ subscription })).to.include({ paused: true });
    });

    it('keeps one as it is while a transaction has found it, until that has ended', async () => {
      const lease = await held();
      const looking = await holdTransaction(fixture.database.transactions, (tx) =>
        fixture.database.subscriptions.find(lease.subscription, tx),
      );

      const moving = advance(lease, anAdvance(4n));
      const waited = await isWaiting(moving);
      const [found] = await Promise.all([looking.commit(), moving]);

      expect(waited).to.equal(true);
      expect(found!.position).to.equal(undefined);
      expect(await find(lease)).to.include({ position: 4n });
    });

    it('sees in a transaction how far that has come', async () => {
      const lease = await held();

      const found = await transact(async (tx) => {
        await fixture.database.subscriptions.advance(lease, anAdvance(4n), tx);
        return fixture.database.subscriptions.find(lease.subscription, tx);
      });

      expect(found).to.include({ position: 4n, messages: 1n });
      expect(await transact((tx) => fixture.database.subscriptions.find(aName(), tx))).to.equal(undefined);
    });

    it('forgets one that is removed, with what it has passed', async () => {
      const lease = await held();
      await advance(lease, anAdvance(4n));

      const answers = [await remove(lease.subscription), await remove(lease.subscription)];
      await fixture.database.subscriptions.register(lease.subscription, 'another log', undefined);

      expect(answers).to.deep.equal([true, false]);
      expect(await find(lease)).to.include({ position: undefined, messages: 0n });
      expect(await fixture.database.subscriptions.passed(lease.subscription, ['order-7'])).to.deep.equal([]);
    });

    it('keeps one when the transaction that removed it rolls back', async () => {
      const lease = await held();
      await advance(lease, anAdvance(4n));

      await rejection(
        transact(async (tx) => {
          await fixture.database.subscriptions.remove(lease.subscription, tx);
          throw new Error('rolled back');
        }),
      );
      await advance(lease, anAdvance(5n));

      expect(await find(lease)).to.include({ position: 5n });
    });
  });
}
