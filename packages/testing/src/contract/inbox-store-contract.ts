import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { InboxClaim } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aClaim } from '../builders/a-claim.js';
import { isWaiting } from '../builders/waiting.js';
import { againAfterConflicts } from './again-after-conflicts.js';
import type { Fixture } from './fixture.js';
import { holdTransaction } from './held-transaction.js';
import type { HeldTransaction } from './held-transaction.js';

type Port = 'transactions' | 'inbox';

/** The suite of `InboxStore`: one claim for each handler and message, bound to its transaction. */
export function inboxStoreContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`InboxStore of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const transact = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> => fixture.database.transactions.run(work);
    const claimed = ({ handler, messageId }: InboxClaim): Promise<boolean> => fixture.database.inbox.claimed(handler, messageId);

    const claim = (wanted: InboxClaim): Promise<boolean> =>
      againAfterConflicts(() => transact((tx) => fixture.database.inbox.claim(wanted, tx)));

    /** Claims in a transaction that stays open until it is told to end. */
    const claimAndHold = (wanted: InboxClaim): Promise<HeldTransaction<boolean>> =>
      holdTransaction(fixture.database.transactions, (tx) => fixture.database.inbox.claim(wanted, tx));

    it('gives a pair of handler and message once', async () => {
      const pair = aClaim();

      expect([await claim(pair), await claim(pair), await claim(pair)]).to.deep.equal([true, false, false]);
    });

    it('tells pairs apart by handler and by message', async () => {
      const pair = aClaim();
      await claim(pair);

      expect(await claim({ ...pair, handler: 'another' })).to.equal(true);
      expect(await claim(aClaim())).to.equal(true);
      expect(await claim({ ...pair, source: 'another-route', firstAttemptAt: new Date(0) })).to.equal(false);
    });

    it('gives a pair once to one transaction that asks twice', async () => {
      const pair = aClaim();

      const answers = await transact(async (tx) => [
        await fixture.database.inbox.claim(pair, tx),
        await fixture.database.inbox.claim(pair, tx),
      ]);

      expect(answers).to.deep.equal([true, false]);
    });

    it('commits the claim with the effects, and a duplicate leaves its transaction well', async () => {
      const [pair, first, second] = [aClaim(), randomUUID(), randomUUID()];
      const handle = (key: string): Promise<boolean> =>
        transact(async (tx) => {
          const isNew = await fixture.database.inbox.claim(pair, tx);
          await fixture.write(key, tx);
          return isNew;
        });

      const answers = [await handle(first), await handle(second)];

      expect(answers).to.deep.equal([true, false]);
      expect(await fixture.written()).to.include.members([first, second]);
    });

    it('leaves the pair free when the first claim rolls back', async () => {
      const pair = aClaim();

      await (await claimAndHold(pair)).rollBack();

      expect(await claimed(pair)).to.equal(false);
      expect(await claim(pair)).to.equal(true);
    });

    it('lets a concurrent claim wait for the first, and then be a duplicate', async () => {
      const pair = aClaim();
      const first = await claimAndHold(pair);

      const second = claim(pair);
      const waited = await isWaiting(second);
      await first.commit();

      expect(waited).to.equal(true);
      expect(await second).to.equal(false);
    });

    it('lets a concurrent claim wait for the first, and take its place when that rolls back', async () => {
      const pair = aClaim();
      const first = await claimAndHold(pair);

      const second = claim(pair);
      const waited = await isWaiting(second);
      await first.rollBack();

      expect(waited).to.equal(true);
      expect(await second).to.equal(true);
    });

    it('gives one of many concurrent claims the pair', async () => {
      const pair = aClaim();

      const answers = await Promise.all(Array.from({ length: 8 }, () => claim(pair)));

      expect(answers.filter(Boolean)).to.have.length(1);
    });

    it('knows as claimed what is committed, and nothing else', async () => {
      const pair = aClaim();
      const before = await claimed(pair);
      const first = await claimAndHold(pair);
      const during = await claimed(pair);

      await first.commit();

      expect([before, during, await claimed(pair)]).to.deep.equal([false, false, true]);
      expect(await claimed({ ...pair, handler: 'another' })).to.equal(false);
    });

    it('knows within a transaction what is committed, and what is its own', async () => {
      const [committed, own, nobodys] = [aClaim(), aClaim(), aClaim()];
      await claim(committed);

      const answers = await transact(async (tx) => {
        await fixture.database.inbox.claim(own, tx);
        const known: boolean[] = [];
        for (const { handler, messageId } of [committed, own, nobodys])
          known.push(await fixture.database.inbox.claimed(handler, messageId, tx));
        return known;
      });

      expect(answers).to.deep.equal([true, true, false]);
    });
  });
}
