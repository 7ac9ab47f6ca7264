import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Appended } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { anAppend } from '../builders/a-message.js';
import { gate } from '../builders/gate.js';
import { isWaiting } from '../builders/waiting.js';
import type { Fixture } from './fixture.js';
import { holdTransaction } from './held-transaction.js';
import { rejection } from './rejection.js';

type Port = 'transactions' | 'outbox';

/** The suite of `TransactionRunner`: all or nothing, errors unchanged, and what became of a transaction. */
export function transactionRunnerContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`TransactionRunner of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const transact = <Result>(work: (tx: Tx) => Promise<Result>, signal?: AbortSignal): Promise<Result> =>
      fixture.database.transactions.run(work, signal);
    const append = (tx: Tx, stream: string = randomUUID()): Promise<Appended> => fixture.database.outbox.append([anAppend(stream)], tx);
    const outcome = (id: string, signal?: AbortSignal): Promise<string> => fixture.database.transactions.outcome(id, signal);

    describe('run', () => {
      it('commits when the work resolves, and answers its result', async () => {
        const key = randomUUID();

        const result = await transact(async (tx) => {
          await fixture.write(key, tx);
          return { done: key };
        });

        expect(result).to.deep.equal({ done: key });
        expect(await fixture.written()).to.include(key);
      });

      it('rolls back when the work rejects, and rejects with the very same error', async () => {
        const key = randomUUID();
        const thrown = Object.assign(new Error('no'), { code: 'MY_OWN' });

        const error = await rejection(
          transact(async (tx) => {
            await fixture.write(key, tx);
            throw thrown;
          }),
        );

        expect(error).to.equal(thrown);
        expect(await fixture.written()).to.not.include(key);
      });

      it('shows nothing to others before the commit', async () => {
        const key = randomUUID();

        const seen = await transact(async (tx) => {
          await fixture.write(key, tx);
          return fixture.written();
        });

        expect(seen).to.not.include(key);
      });

      it('runs transactions side by side', async () => {
        const [firstIsOpen, secondIsOpen] = [gate(), gate()];
        const meet = (mine: { open(): void }, other: { opened: Promise<void> }) => async (tx: Tx) => {
          await fixture.write(randomUUID(), tx);
          mine.open();
          await other.opened;
        };

        await Promise.all([transact(meet(firstIsOpen, secondIsOpen)), transact(meet(secondIsOpen, firstIsOpen))]);
      });

      it('rolls back when the signal aborts during the work', async () => {
        const key = randomUUID();
        const abort = new AbortController();

        await rejection(
          transact(async (tx) => {
            await fixture.write(key, tx);
            abort.abort();
          }, abort.signal),
        );

        expect(await fixture.written()).to.not.include(key);
      });

      it('commits nothing when the signal has aborted before', async () => {
        const key = randomUUID();

        await rejection(transact((tx) => fixture.write(key, tx), AbortSignal.abort()));

        expect(await fixture.written()).to.not.include(key);
      });

      it('can be used again after any number of failures', async () => {
        const key = randomUUID();
        for (let nth = 0; nth < 25; nth++) await rejection(transact(() => Promise.reject(new Error('no'))));
        for (let nth = 0; nth < 25; nth++) await rejection(transact(async () => {}, AbortSignal.abort()));

        await transact((tx) => fixture.write(key, tx));

        expect(await fixture.written()).to.include(key);
      });

      it('lets one of two transactions go on that wait for each other, and tells the other', async () => {
        const [one, two] = [randomUUID(), randomUUID()];
        const [oneIsTaken, twoIsTaken] = [gate(), gate()];
        const circle = (first: string, second: string, mine: { open(): void }, other: { opened: Promise<void> }) =>
          transact(async (tx) => {
            await append(tx, first);
            mine.open();
            await other.opened;
            await append(tx, second);
          });

        const outcomes = await Promise.allSettled([circle(one, two, oneIsTaken, twoIsTaken), circle(two, one, twoIsTaken, oneIsTaken)]);

        const lost = outcomes.flatMap((ended) => (ended.status === 'rejected' ? [(ended.reason as { code?: string }).code] : []));
        expect(lost).to.have.length.below(2);
        for (const code of lost) expect(code).to.equal('TRANSACTION_CONFLICT');
      });
    });

    describe('outcome', () => {
      it('is "committed" for what was committed', async () => {
        const { transactionId } = await transact((tx) => append(tx));

        expect(await outcome(transactionId)).to.equal('committed');
      });

      it('is "rolled-back" for what was rolled back', async () => {
        let transactionId = '';

        await rejection(
          transact(async (tx) => {
            ({ transactionId } = await append(tx));
            throw new Error('no');
          }),
        );

        expect(await outcome(transactionId)).to.equal('rolled-back');
      });

      it('waits while the transaction is in progress', async () => {
        let transactionId = '';
        const open = await holdTransaction(fixture.database.transactions, async (tx) => ({ transactionId } = await append(tx)));

        const asked = outcome(transactionId);
        const waited = await isWaiting(asked);

        await open.commit();
        expect(waited).to.equal(true);
        expect(await asked).to.equal('committed');
      });

      it('stops waiting when the signal aborts', async () => {
        const abort = new AbortController();
        let transactionId = '';
        const open = await holdTransaction(fixture.database.transactions, async (tx) => ({ transactionId } = await append(tx)));

        const asked = outcome(transactionId, abort.signal);
        abort.abort();
        const [answer] = await Promise.allSettled([asked]);

        await open.commit();
        if (answer.status === 'fulfilled') expect(answer.value).to.equal('unknown');
      });
    });
  });
}
