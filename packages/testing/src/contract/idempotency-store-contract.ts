import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { isWaiting } from '../builders/waiting.js';
import type { Fixture } from './fixture.js';
import { holdTransaction } from './held-transaction.js';
import type { HeldTransaction } from './held-transaction.js';

type Port = 'transactions' | 'idempotency';

/** The suite of `IdempotencyStore`: a key and its outcome commit with what they stand for. */
export function idempotencyStoreContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`IdempotencyStore of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const transact = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> => fixture.database.transactions.run(work);
    const claim = (key: string): Promise<string | undefined> => transact((tx) => fixture.database.idempotency.claim(key, tx));
    const carryOut = (key: string, outcome: string): Promise<void> =>
      transact(async (tx) => {
        await fixture.database.idempotency.claim(key, tx);
        await fixture.database.idempotency.record(key, outcome, tx);
      });

    /** Carries a request out in a transaction that stays open until it is told to end. */
    const carryOutAndHold = (key: string, outcome: string): Promise<HeldTransaction<void>> =>
      holdTransaction(fixture.database.transactions, async (tx) => {
        await fixture.database.idempotency.claim(key, tx);
        await fixture.database.idempotency.record(key, outcome, tx);
      });

    it('answers nothing for a new key, and takes it', async () => {
      expect(await claim(randomUUID())).to.equal(undefined);
    });

    it('answers a key that was seen before with the outcome recorded for it', async () => {
      const [key, outcome] = [`request "${randomUUID()}" ü`, JSON.stringify({ result: { text: 'ü \u0000' }, n: 1.5 })];

      await carryOut(key, outcome);

      expect(JSON.parse((await claim(key))!)).to.deep.equal(JSON.parse(outcome));
      expect(JSON.parse((await claim(key))!)).to.deep.equal(JSON.parse(outcome));
    });

    it('forgets a key whose transaction rolled back', async () => {
      const key = randomUUID();

      await (await carryOutAndHold(key, '1')).rollBack();

      expect(await claim(key)).to.equal(undefined);
    });

    it('lets a concurrent taker wait, and answers it with the outcome of the first', async () => {
      const key = randomUUID();
      const first = await carryOutAndHold(key, '"first"');

      const second = claim(key);
      const waited = await isWaiting(second);
      await first.commit();

      expect(waited).to.equal(true);
      expect(await second).to.equal('"first"');
    });

    it('lets a concurrent taker wait, and gives it the key when the first rolls back', async () => {
      const key = randomUUID();
      const first = await carryOutAndHold(key, '"first"');

      const second = claim(key);
      const waited = await isWaiting(second);
      await first.rollBack();

      expect(waited).to.equal(true);
      expect(await second).to.equal(undefined);
    });

    it('lets different keys pass each other', async () => {
      const first = await carryOutAndHold(randomUUID(), '1');

      expect(await claim(randomUUID())).to.equal(undefined);

      await first.commit();
    });
  });
}
