import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Appended, StreamAppend } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aMessage, anAppend } from '../builders/a-message.js';
import { isWaiting } from '../builders/waiting.js';
import { orderingContract } from '../ordering/ordering-contract.js';
import type { OrderingOptions, OrderingPort } from '../ordering/ordering-contract.js';
import { adoptionContract } from './adoption-contract.js';
import type { Capabilities, Fixture } from './fixture.js';
import { holdTransaction } from './held-transaction.js';
import { rejection } from './rejection.js';

/** The suite of `OutboxStore`: appends, heads, conflicts, adoption, and the ordering group. */
export function outboxStoreContract<Tx>(
  name: string,
  open: () => Promise<Fixture<Tx, OrderingPort>>,
  capabilities: Pick<Capabilities, 'conflicts'>,
  options: OrderingOptions = {},
): void {
  describe(`OutboxStore of ${name}`, () => {
    let fixture: Fixture<Tx, OrderingPort>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const aStream = (): string => `order-${randomUUID()}`;
    const transact = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> => fixture.database.transactions.run(work);
    const append = (...appends: readonly StreamAppend[]): Promise<Appended> =>
      transact((tx) => fixture.database.outbox.append(appends, tx));
    const headOf = async (stream: string): Promise<bigint | undefined> =>
      (await transact((tx) => fixture.database.outbox.headAndTail(stream, 0n, tx))).head;
    const tailOf = async (stream: string, from = 0n) =>
      (await transact((tx) => fixture.database.outbox.headAndTail(stream, from, tx))).tail;

    describe('append', () => {
      it('gives a stream its revisions from 0, in emission order', async () => {
        const stream = aStream();
        const messages = [aMessage('First'), aMessage('Second')];

        const { firstRevisions } = await append(anAppend(stream, { expected: 'no-stream', messages }));

        expect(firstRevisions).to.deep.equal([0n]);
        expect((await tailOf(stream)).map(({ type, revision }) => [type, revision])).to.deep.equal([
          ['First', 0n],
          ['Second', 1n],
        ]);
      });

      it('goes on after the expected revision', async () => {
        const stream = aStream();
        await append(anAppend(stream, { messages: [aMessage(), aMessage()] }));

        const { firstRevisions } = await append(anAppend(stream, { expected: 1n }));

        expect(firstRevisions).to.deep.equal([2n]);
        expect(await headOf(stream)).to.equal(2n);
      });

      it('takes the next revision, whatever it is, for "any"', async () => {
        const stream = aStream();
        await append(anAppend(stream));

        const { firstRevisions } = await append(anAppend(stream, { expected: 'any' }));

        expect(firstRevisions).to.deep.equal([1n]);
      });

      it('tells the first revision of each append, in the order given', async () => {
        const [b, a] = [`b-${aStream()}`, `a-${aStream()}`];
        await append(anAppend(a, { messages: [aMessage(), aMessage()] }));

        const { firstRevisions } = await append(anAppend(b), anAppend(a));

        expect(firstRevisions).to.deep.equal([0n, 2n]);
      });

      it('goes on where an earlier append of the same transaction left off', async () => {
        const stream = aStream();

        const revisions = await transact(async (tx) => {
          const first = await fixture.database.outbox.append([anAppend(stream, { expected: 'no-stream' })], tx);
          const second = await fixture.database.outbox.append([anAppend(stream, { expected: 0n })], tx);
          return [...first.firstRevisions, ...second.firstRevisions];
        });

        expect(revisions).to.deep.equal([0n, 1n]);
        expect((await tailOf(stream)).map(({ revision }) => revision)).to.deep.equal([0n, 1n]);
      });

      it('changes nothing for an empty array, and still tells the transaction', async () => {
        const { transactionId, firstRevisions } = await append();

        expect(firstRevisions).to.deep.equal([]);
        expect(await fixture.database.transactions.outcome(transactionId)).to.equal('committed');
      });

      it('writes nothing when the transaction rolls back', async () => {
        const stream = aStream();

        await rejection(
          transact(async (tx) => {
            await fixture.database.outbox.append([anAppend(stream)], tx);
            throw new Error('rolled back');
          }),
        );

        expect(await headOf(stream)).to.equal(undefined);
        expect(await tailOf(stream)).to.deep.equal([]);
      });

      it('keeps every field of a message as it was', async () => {
        const stream = aStream();
        const message = aMessage('Odd', {
          kind: 'command',
          schemaVersion: 7,
          codec: 'superjson',
          payload: '{"b":1,"a":"\\u0000 ü 🧾","b":2, "n": 12345678901234567890}',
          metadata: { correlationId: 'c-1', causationId: 'c-0', traceparent: '00-1-2-01', tenant: 'ü "quoted"' },
          occurredAt: new Date('1999-12-31T23:59:59.999Z'),
        });

        await append(anAppend(stream, { messages: [message] }));

        const [stored] = await tailOf(stream);
        expect(stored).to.deep.include({ ...message, stream, revision: 0n });
      });
    });

    describe('a conflict', () => {
      const conflicts = [
        { title: 'a stream that exists and was expected not to', has: 2, expected: 'no-stream', told: undefined, actual: 1n },
        { title: 'a stream that has moved on', has: 3, expected: 0n, told: 0n, actual: 2n },
        { title: 'a stream that is not so far', has: 1, expected: 4n, told: 4n, actual: 0n },
        { title: 'a stream that was expected and does not exist', has: 0, expected: 2n, told: 2n, actual: undefined },
      ] as const;
      for (const { title, has, expected, told, actual } of conflicts) {
        it(`is found for ${title}, and says what was expected and what is`, async () => {
          const stream = aStream();
          if (has > 0) await append(anAppend(stream, { messages: Array.from({ length: has }, () => aMessage()) }));

          const error = await rejection(append(anAppend(stream, { expected })));

          expect(error).to.include({ code: 'CONCURRENCY', stream, expectedRevision: told });
          expect(error).to.have.property('actualRevision').that.is.oneOf([actual, undefined]);
          expect(await headOf(stream)).to.equal(actual);
        });
      }

      it('in one stream moves no head of the others', async () => {
        const [good, bad, alsoGood] = [`a-${aStream()}`, `b-${aStream()}`, `c-${aStream()}`];
        await append(anAppend(bad));

        const error = await rejection(append(anAppend(good), anAppend(bad, { expected: 'no-stream' }), anAppend(alsoGood)));

        expect(error).to.include({ code: 'CONCURRENCY', stream: bad });
        expect([await headOf(good), await headOf(bad), await headOf(alsoGood)]).to.deep.equal([undefined, 0n, undefined]);
      });

      it('lets the transaction not commit, even when the error is swallowed', async () => {
        const [bad, good] = [aStream(), aStream()];
        const key = randomUUID();
        await append(anAppend(bad));

        await transact(async (tx) => {
          await fixture.write(key, tx);
          await fixture.database.outbox.append([anAppend(bad, { expected: 'no-stream' }), anAppend(good)], tx).catch(() => {});
        }).catch(() => {});

        expect(await fixture.written()).to.not.include(key);
        expect(await headOf(good)).to.equal(undefined);
      });

      it('leaves one winner among many that expect the same revision', async () => {
        const stream = aStream();
        await append(anAppend(stream));

        const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => append(anAppend(stream, { expected: 0n }))));

        const losers = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [(outcome.reason as { code?: string }).code] : []));
        expect(losers).to.have.length(4);
        for (const code of losers) expect(code).to.be.oneOf(['CONCURRENCY', 'TRANSACTION_CONFLICT']);
        expect(await headOf(stream)).to.equal(1n);
      });

      if (capabilities.conflicts === 'at-append') {
        it('with an open transaction waits for it at the append', async () => {
          const stream = aStream();
          const first = await holdTransaction(fixture.database.transactions, (tx) =>
            fixture.database.outbox.append([anAppend(stream)], tx),
          );

          const second = append(anAppend(stream));
          const waited = await isWaiting(second);

          await first.commit();
          expect(waited).to.equal(true);
          expect((await second).firstRevisions).to.deep.equal([1n]);
        });
      }
    });

    describe('many streams at once', () => {
      it('never wait for each other in a circle, in whatever order they are named', async () => {
        const streams = Array.from({ length: 6 }, aStream);

        const outcomes = await Promise.allSettled(
          Array.from({ length: 40 }, (_, nth) => {
            const rotated = [...streams.slice(nth % 6), ...streams.slice(0, nth % 6)];
            return append(...(nth % 2 ? rotated : rotated.reverse()).map((stream) => anAppend(stream)));
          }),
        );

        // Where the second of two waits there is nothing to fail; elsewhere it may lose, but must say so.
        const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [(outcome.reason as { code?: string }).code] : []));
        if (capabilities.conflicts === 'at-append') expect(failed).to.deep.equal([]);
        for (const code of failed) expect(code).to.be.oneOf(['CONCURRENCY', 'TRANSACTION_CONFLICT']);
        for (const stream of streams) expect(await headOf(stream)).to.equal(BigInt(39 - failed.length));
      });
    });

    describe('headAndTail', () => {
      it('knows neither head nor tail of a stream that was never appended to', async () => {
        const stream = aStream();

        expect(await transact((tx) => fixture.database.outbox.headAndTail(stream, 0n, tx))).to.deep.equal({ head: undefined, tail: [] });
      });

      it('answers the rows from the asked revision on, by revision, and the head all the same', async () => {
        const stream = aStream();
        await append(anAppend(stream, { messages: [aMessage(), aMessage(), aMessage()] }));

        expect((await tailOf(stream, 1n)).map(({ revision }) => revision)).to.deep.equal([1n, 2n]);
        expect(await tailOf(stream, 3n)).to.deep.equal([]);
        expect((await transact((tx) => fixture.database.outbox.headAndTail(stream, 3n, tx))).head).to.equal(2n);
      });

      it('sees what its own transaction appended, and nobody else does before the commit', async () => {
        const stream = aStream();
        let outside: bigint | undefined;

        const inside = await transact(async (tx) => {
          await fixture.database.outbox.append([anAppend(stream)], tx);
          outside = await headOf(stream);
          return fixture.database.outbox.headAndTail(stream, 0n, tx);
        });

        expect(inside.head).to.equal(0n);
        expect(inside.tail).to.have.length(1);
        expect(outside).to.equal(undefined);
      });

      it('keeps streams apart whose names differ in case, in trailing blanks, or in how they compose a letter', async () => {
        const stem = aStream();
        const streams = [`${stem}a`, `${stem}A`, `${stem}a `, `${stem}\u00e4`, `${stem}a\u0308`];
        for (const [nth, stream] of streams.entries())
          await append(anAppend(stream, { messages: Array.from({ length: nth + 1 }, () => aMessage()) }));

        for (const [nth, stream] of streams.entries()) expect(await headOf(stream), JSON.stringify(stream)).to.equal(BigInt(nth));
      });
    });
  });
  adoptionContract(name, open);
  orderingContract(name, open, options);
}
