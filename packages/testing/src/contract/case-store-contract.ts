import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { CaseQuery, OpenCase, RecordedCase } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { againAfterConflicts } from './again-after-conflicts.js';
import type { Fixture } from './fixture.js';
import { rejection } from './rejection.js';

type Port = 'transactions' | 'cases';

/** The suite of `CaseStore`: what waits for a person is opened once, and closed once, in the transaction of its cause. */
export function caseStoreContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`CaseStore of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const aCase = (overrides: Partial<OpenCase> = {}): OpenCase => ({
      ...{ id: randomUUID(), kind: 'step-stuck', of: `fulfilment-${randomUUID()}`, message: undefined, correlationId: undefined },
      ...{ process: { key: '7', step: 'payment' }, detail: 'the payment service has not answered' },
      ...overrides,
    });
    const transact = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> =>
      againAfterConflicts(() => fixture.database.transactions.run(work));
    const openAll = async (...cases: readonly OpenCase[]): Promise<void> => {
      for (const one of cases) {
        await transact((tx) => fixture.database.cases.open(one, tx));
        await sleep(2); // where the database's clock counts milliseconds, it tells them apart
      }
    };
    const find = (query: Partial<CaseQuery>): Promise<readonly RecordedCase[]> => fixture.database.cases.find({ most: 100, ...query });
    const idsOf = (cases: readonly RecordedCase[]): readonly string[] => cases.map(({ id }) => id);
    const close = (id: string, by = 'ada', reason = 'paid by hand'): Promise<boolean> =>
      transact((tx) => fixture.database.cases.close(id, { by, reason }, tx));

    it('remembers all of a case, of a message as of a process', async () => {
      const ofProcess = aCase();
      const ofMessage = aCase({
        ...{ kind: 'call-not-committed', process: undefined, correlationId: randomUUID(), detail: 'charged 4.200 €\n"twice"' },
        message: { stream: 'order-7', revision: 2n ** 60n, id: randomUUID(), type: 'OrderPlaced' },
      });
      await openAll(ofProcess, ofMessage);

      for (const opened of [ofProcess, ofMessage]) {
        const [found] = await find({ of: opened.of });
        const { openedAt, ...recorded } = found!;
        expect(recorded).to.deep.equal({ ...opened, closed: undefined });
        expect(Math.abs(openedAt.getTime() - Date.now())).to.be.lessThan(60_000);
      }
    });

    it('opens nothing in a transaction that rolls back', async () => {
      const one = aCase();

      await rejection(
        transact(async (tx) => {
          await fixture.database.cases.open(one, tx);
          throw new Error('no');
        }),
      );

      expect(await find({ of: one.of })).to.deep.equal([]);
    });

    it('opens a case in the transaction of its cause', async () => {
      const [one, key] = [aCase(), randomUUID()];

      await transact(async (tx) => {
        await fixture.write(key, tx);
        await fixture.database.cases.open(one, tx);
      });

      expect(idsOf(await find({ of: one.of }))).to.deep.equal([one.id]);
      expect(await fixture.written()).to.include(key);
    });

    it('leaves a case that is open as it is, and its transaction well', async () => {
      const [one, key] = [aCase(), randomUUID()];
      await openAll(one);

      await transact(async (tx) => {
        await fixture.database.cases.open({ ...one, detail: 'something else' }, tx);
        await fixture.write(key, tx);
      });

      expect((await find({ of: one.of })).map(({ detail }) => detail)).to.deep.equal([one.detail]);
      expect(await fixture.written()).to.include(key);
    });

    it('does not open again what was closed', async () => {
      const one = aCase();
      await openAll(one);
      await close(one.id);

      await openAll(one);

      expect(await find({ of: one.of, state: 'open' })).to.deep.equal([]);
      expect(await find({ of: one.of, state: 'closed' })).to.have.length(1);
    });

    it('opens one case when many open it at once', async () => {
      const one = aCase();

      await Promise.all(Array.from({ length: 8 }, () => openAll(one)));

      expect(await find({ of: one.of })).to.have.length(1);
    });

    it('closes a case once, and keeps who did it and why', async () => {
      const one = aCase();
      await openAll(one);

      const answers = [await close(one.id, 'ada', 'paid "by hand"'), await close(one.id, 'bob', 'again')];

      const [found] = await find({ of: one.of });
      const { at, ...closed } = found!.closed!;
      expect(answers).to.deep.equal([true, false]);
      expect(closed).to.deep.equal({ by: 'ada', reason: 'paid "by hand"' });
      expect(at.getTime()).to.be.at.least(found!.openedAt.getTime());
    });

    it('closes a case for one of many who close it at once', async () => {
      const one = aCase();
      await openAll(one);

      const answers = await Promise.all(Array.from({ length: 8 }, (_, person) => close(one.id, `person ${person}`)));

      expect(answers.filter(Boolean)).to.have.length(1);
      expect((await find({ of: one.of }))[0]!.closed!.by).to.equal(`person ${answers.indexOf(true)}`);
    });

    it('closes nothing that was never opened', async () => {
      expect(await close(randomUUID())).to.equal(false);
    });

    it('leaves a case open when the transaction that closes it rolls back', async () => {
      const one = aCase();
      await openAll(one);

      await rejection(
        transact(async (tx) => {
          await fixture.database.cases.close(one.id, { by: 'ada', reason: 'paid' }, tx);
          throw new Error('no');
        }),
      );

      expect(idsOf(await find({ of: one.of, state: 'open' }))).to.deep.equal([one.id]);
    });

    it('closes in a transaction what was opened in it', async () => {
      const one = aCase();

      const answers = await transact(async (tx) => {
        await fixture.database.cases.open(one, tx);
        const first = await fixture.database.cases.close(one.id, { by: 'ada', reason: 'paid' }, tx);
        return [first, await fixture.database.cases.close(one.id, { by: 'bob', reason: 'paid' }, tx)];
      });

      expect(answers).to.deep.equal([true, false]);
      expect(idsOf(await find({ of: one.of, state: 'closed' }))).to.deep.equal([one.id]);
    });

    it('finds by state, kind and owner, the longest open first, and no more than asked for', async () => {
      const of = `fulfilment-${randomUUID()}`;
      const first = aCase({ of });
      const second = aCase({ of, kind: 'compensation-stuck' });
      const third = aCase({ of });
      await openAll(first, second, third);
      await close(first.id);

      expect(idsOf(await find({ of }))).to.deep.equal([first.id, second.id, third.id]);
      expect(idsOf(await find({ id: second.id }))).to.deep.equal([second.id]);
      expect(idsOf(await find({ id: first.id, of, state: 'open' }))).to.deep.equal([]);
      expect(idsOf(await find({ of, most: 2 }))).to.deep.equal([first.id, second.id]);
      expect(idsOf(await find({ of, state: 'open' }))).to.deep.equal([second.id, third.id]);
      expect(idsOf(await find({ of, state: 'closed' }))).to.deep.equal([first.id]);
      expect(idsOf(await find({ of, kind: 'step-stuck' }))).to.deep.equal([first.id, third.id]);
      expect(idsOf(await find({ of, kind: 'step-stuck', state: 'open' }))).to.deep.equal([third.id]);
    });
  });
}
