import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Appended, StoredMessage, StreamAppend } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { anAppend } from '../builders/a-message.js';
import type { Fixture } from './fixture.js';
import { rejection } from './rejection.js';

type Port = 'transactions' | 'outbox';

/** The part of `OutboxStore` that takes over streams which only the event history knows. */
export function adoptionContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`adoption by ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const aStream = (): string => `order-${randomUUID()}`;
    const transact = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> => fixture.database.transactions.run(work);
    const append = (...appends: readonly StreamAppend[]): Promise<Appended> =>
      transact((tx) => fixture.database.outbox.append(appends, tx));
    const look = (stream: string) => transact((tx) => fixture.database.outbox.headAndTail(stream, 0n, tx));
    const headOf = async (stream: string): Promise<bigint | undefined> => (await look(stream)).head;
    const tailOf = async (stream: string): Promise<readonly StoredMessage[]> => (await look(stream)).tail;
    const adopting = (stream: string, expected: bigint): StreamAppend => anAppend(stream, { expected, adopt: true });

    it('gives a stream without a head its head behind the revision it was loaded at', async () => {
      const stream = aStream();

      const { firstRevisions } = await append(adopting(stream, 41n));

      expect(firstRevisions).to.deep.equal([42n]);
      expect(await headOf(stream)).to.equal(42n);
      expect((await append(anAppend(stream, { expected: 42n }))).firstRevisions).to.deep.equal([43n]);
    });

    it('leaves one winner of two racers', async () => {
      const stream = aStream();

      const outcomes = await Promise.allSettled([append(adopting(stream, 41n)), append(adopting(stream, 41n))]);

      const lost = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [(outcome.reason as { code?: string }).code] : []));
      expect(lost).to.have.length(1);
      expect(lost[0]).to.be.oneOf(['CONCURRENCY', 'TRANSACTION_CONFLICT']);
      expect(await headOf(stream)).to.equal(42n);
      expect(await tailOf(stream)).to.have.length(1);
    });

    it('is refused for a stream that has a head by now, also at the very revision', async () => {
      const stream = aStream();
      await append(adopting(stream, 41n));

      const behind = await rejection(append(adopting(stream, 41n)));
      const level = await rejection(append(adopting(stream, 42n)));

      expect(behind).to.include({ code: 'CONCURRENCY', stream, expectedRevision: 41n });
      expect(level).to.include({ code: 'CONCURRENCY', stream, expectedRevision: 42n });
      expect(await headOf(stream)).to.equal(42n);
    });

    it('is undone by a rollback', async () => {
      const stream = aStream();

      await rejection(
        transact(async (tx) => {
          await fixture.database.outbox.append([adopting(stream, 41n)], tx);
          throw new Error('rolled back');
        }),
      );

      expect(await headOf(stream)).to.equal(undefined);
      expect((await append(adopting(stream, 7n))).firstRevisions).to.deep.equal([8n]);
    });
  });
}
