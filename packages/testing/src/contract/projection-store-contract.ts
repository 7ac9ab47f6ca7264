import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { StoredProjection } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { againAfterConflicts } from './again-after-conflicts.js';
import type { Fixture } from './fixture.js';
import { holdTransaction } from './held-transaction.js';
import { rejection } from './rejection.js';

type Port = 'transactions' | 'projections';

/** The suite of `ProjectionStore`: which generation is read, and which one is built beside it. */
export function projectionStoreContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`ProjectionStore of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    async function aProjection(): Promise<string> {
      const projection = `orders-${randomUUID()}`;
      await fixture.database.projections.register(projection);
      return projection;
    }
    const transact = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> =>
      againAfterConflicts(() => fixture.database.transactions.run(work));
    const find = (projection: string): Promise<StoredProjection | undefined> => fixture.database.projections.find(projection);
    const beginRebuild = (projection: string): Promise<StoredProjection> => fixture.database.projections.beginRebuild(projection);
    const switchTo = (projection: string, generation: number): Promise<boolean> =>
      transact((tx) => fixture.database.projections.switchTo(projection, generation, tx));
    const abandon = (projection: string, generation: number): Promise<boolean> =>
      transact((tx) => fixture.database.projections.abandon(projection, generation, tx));

    it('makes a projection known with its first generation live, once', async () => {
      const projection = `orders-${randomUUID()}`;
      const other = (await fixture.another?.()) ?? fixture.database;

      const answers = await Promise.all(
        [fixture.database, other, fixture.database].map(({ projections }) => projections.register(projection)),
      );

      const expected = { projection, live: 1, rebuilding: undefined, switchedAt: undefined };
      expect(answers).to.deep.equal([expected, expected, expected]);
      expect(await find(projection)).to.deep.equal(expected);
    });

    it('changes nothing of one that is known', async () => {
      const projection = await aProjection();
      await beginRebuild(projection);
      await switchTo(projection, 2);
      const before = await find(projection);

      expect(await fixture.database.projections.register(projection)).to.deep.equal(before);
      expect(before).to.include({ live: 2, rebuilding: undefined });
    });

    it('finds none that nobody has made known', async () => {
      expect(await find(`orders-${randomUUID()}`)).to.equal(undefined);
    });

    it('tells all, by name', async () => {
      const made = [await aProjection(), await aProjection(), await aProjection()];

      const names = (await fixture.database.projections.all()).map(({ projection }) => projection);

      expect(names.filter((one) => made.includes(one))).to.deep.equal([...made].sort());
    });

    it('begins a generation beside the live one, and answers with it while it is built', async () => {
      const projection = await aProjection();

      const answers = await Promise.all([beginRebuild(projection), beginRebuild(projection)]);

      for (const answer of [...answers, await beginRebuild(projection)]) expect(answer).to.include({ live: 1, rebuilding: 2 });
    });

    it('begins nothing for a projection that nobody has made known', async () => {
      expect(await rejection(beginRebuild(`orders-${randomUUID()}`))).to.include({ code: 'INVALID_OPTIONS' });
    });

    it('makes the generation live that was built, with the rest of the transaction', async () => {
      const projection = await aProjection();
      await beginRebuild(projection);
      const key = randomUUID();

      const answer = await transact(async (tx) => {
        const switched = await fixture.database.projections.switchTo(projection, 2, tx);
        await fixture.write(key, tx);
        return [switched, await fixture.database.projections.find(projection, tx)] as const;
      });

      expect(answer[0]).to.equal(true);
      expect(answer[1]).to.include({ live: 2, rebuilding: undefined });
      const { switchedAt, ...switched } = (await find(projection))!;
      expect(switched).to.deep.equal({ projection, live: 2, rebuilding: undefined });
      expect(switchedAt).to.be.a('date');
      expect(await fixture.written()).to.include(key);
    });

    it('leaves the old generation live when the transaction of the switch rolls back', async () => {
      const projection = await aProjection();
      await beginRebuild(projection);

      await rejection(
        transact(async (tx) => {
          await fixture.database.projections.switchTo(projection, 2, tx);
          throw new Error('rolled back');
        }),
      );

      expect(await find(projection)).to.include({ live: 1, rebuilding: 2 });
    });

    it('makes no other generation live than the one that is built', async () => {
      const projection = await aProjection();
      const withoutAny = await switchTo(projection, 2);
      await beginRebuild(projection);

      expect([withoutAny, await switchTo(projection, 1), await switchTo(projection, 3)]).to.deep.equal([false, false, false]);
      expect(await switchTo(`orders-${randomUUID()}`, 2)).to.equal(false);
      expect(await find(projection)).to.include({ live: 1, rebuilding: 2 });
    });

    it('lets one of two switches at once win', async () => {
      const projection = await aProjection();
      await beginRebuild(projection);
      const first = await holdTransaction(fixture.database.transactions, (tx) => fixture.database.projections.switchTo(projection, 2, tx));

      const second = switchTo(projection, 2);

      expect(await Promise.all([first.commit(), second])).to.deep.equal([true, false]);
    });

    it('gives up the generation that is built, and no other', async () => {
      const projection = await aProjection();
      await beginRebuild(projection);

      const answers = [await abandon(projection, 1), await abandon(projection, 2), await abandon(projection, 2)];

      expect(answers).to.deep.equal([false, true, false]);
      expect(await find(projection)).to.include({ live: 1, rebuilding: undefined, switchedAt: undefined });
    });

    it('gives no generation a number that one has had, live or given up', async () => {
      const projection = await aProjection();
      await beginRebuild(projection);
      await abandon(projection, 2);

      const third = await beginRebuild(projection);
      await switchTo(projection, 3);
      const fourth = await beginRebuild(projection);

      expect([third.rebuilding, fourth.rebuilding]).to.deep.equal([3, 4]);
    });
  });
}
