import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { gate } from '../builders/gate.js';
import { isWaiting } from '../builders/waiting.js';
import type { Fixture } from './fixture.js';
import { rejection } from './rejection.js';

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
    async function carryOutAndHold(key: string, outcome: string): Promise<{ commit(): Promise<void>; rollBack(): Promise<void> }> {
      const [isClaimed, mayEnd] = [gate(), gate()];
      let rollsBack = false;
      const ended = transact(async (tx) => {
        await fixture.database.idempotency.claim(key, tx);
        await fixture.database.idempotency.record(key, outcome, tx);
        isClaimed.open();
        await mayEnd.opened;
        if (rollsBack) throw new Error('rolled back');
      });
      await Promise.race([isClaimed.opened, ended]);
      return {
        commit: () => (mayEnd.open(), ended),
        rollBack: async () => {
          rollsBack = true;
          mayEnd.open();
          await rejection(ended);
        },
      };
    }

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
