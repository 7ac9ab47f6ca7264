import { expect } from 'chai';
import { after, before, beforeEach, describe, it } from 'mocha';
import type { Document } from 'bson';
import { find, findAndModify, insert, remove, uniqueIndex, update, upsert } from './commands.js';
import { failureOf, NO_SUCH_TRANSACTION, succeeded, WRITE_CONFLICT, writeErrorOf } from './replies.js';
import type { Servers, ServerUnderTest } from './server-under-test.js';
import type { TestDatabase } from './test-database.js';

interface Meeting {
  readonly of: string;
  readonly first: Document;
  readonly second: Document;
  /** The collection once the first has won. */
  readonly won: readonly Document[];
}

/** Two writes of different transactions that cannot both be, on `{_id: 1, n: 1}, {_id: 2, n: 2}` with `n` unique. */
const MEETINGS: readonly Meeting[] = [
  { of: 'an update with an update', first: set(1, { by: 'a' }), second: set(1, { by: 'b' }), won: [{ _id: 1, n: 1, by: 'a' }, two()] },
  { of: 'an update with a delete', first: set(1, { by: 'a' }), second: remove('c', { _id: 1 }), won: [{ _id: 1, n: 1, by: 'a' }, two()] },
  { of: 'a delete with an update', first: remove('c', { _id: 1 }), second: set(1, { by: 'b' }), won: [two()] },
  { of: 'a delete with a delete', first: remove('c', { _id: 1 }), second: remove('c', { _id: 1 }), won: [two()] },
  {
    of: 'findAndModify with findAndModify',
    first: findAndModify('c', { _id: 1 }, { update: { $set: { by: 'a' } } }),
    second: findAndModify('c', { _id: 1 }, { remove: true }),
    won: [{ _id: 1, n: 1, by: 'a' }, two()],
  },
  {
    of: 'an insert with an insert of the same _id',
    first: insert('c', [{ _id: 3, n: 3 }]),
    second: insert('c', [{ _id: 3, n: 4 }]),
    won: [one(), two(), { _id: 3, n: 3 }],
  },
  {
    of: 'an insert with an insert of the same unique key',
    first: insert('c', [{ _id: 3, n: 3 }]),
    second: insert('c', [{ _id: 4, n: 3 }]),
    won: [one(), two(), { _id: 3, n: 3 }],
  },
  {
    of: 'an update with an update to the same unique key',
    first: set(1, { n: 9 }),
    second: set(2, { n: 9 }),
    won: [{ _id: 1, n: 9 }, two()],
  },
  {
    of: 'an update with an insert of the same unique key',
    first: set(1, { n: 9 }),
    second: insert('c', [{ _id: 3, n: 9 }]),
    won: [{ _id: 1, n: 9 }, two()],
  },
  {
    of: 'an upsert with an upsert of the same _id',
    first: upsert('c', { _id: 3 }, { $set: { n: 3 } }),
    second: upsert('c', { _id: 3 }, { $set: { n: 4 } }),
    won: [one(), two(), { _id: 3, n: 3 }],
  },
  {
    of: 'a multi-document update with an update of one of them',
    first: update('c', {}, { $set: { by: 'a' } }, { multi: true }),
    second: set(2, { by: 'b' }),
    won: [
      { _id: 1, n: 1, by: 'a' },
      { _id: 2, n: 2, by: 'a' },
    ],
  },
  {
    of: 'a batch of inserts with a batch that shares one key',
    first: insert('c', [
      { _id: 3, n: 3 },
      { _id: 4, n: 4 },
    ]),
    second: insert('c', [
      { _id: 5, n: 5 },
      { _id: 6, n: 4 },
    ]),
    won: [one(), two(), { _id: 3, n: 3 }, { _id: 4, n: 4 }],
  },
];

export function conflicts({ open }: Servers): void {
  describe('write conflicts between transactions', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(async () => {
      db = server.database();
      await db.insert('c', one(), two());
      succeeded(await db.run(uniqueIndex('c', { n: 1 })));
    });

    for (const { of, first, second, won } of MEETINGS) {
      it(`the first of two open ones wins: ${of}`, async () => {
        const [winner, loser] = [db.transaction(), db.transaction()];
        succeeded(await winner.run(find('c')));
        succeeded(await loser.run(insert('other', [{ _id: 1 }])));
        succeeded(await winner.run(first));

        const refused = await loser.run(second);

        expect(failureOf(refused)).to.deep.equal(WRITE_CONFLICT);
        expect(failureOf(await loser.commit())).to.deep.equal(NO_SUCH_TRANSACTION);
        succeeded(await winner.commit());
        expect(await db.all('c')).to.deep.equal(won);
        expect(await db.all('other')).to.deep.equal([]);
      });

      it(`one that was committed after the snapshot wins: ${of}`, async () => {
        const [winner, loser] = [db.transaction(), db.transaction()];
        succeeded(await loser.run(find('c')));
        succeeded(await winner.run(first));
        succeeded(await winner.commit());

        const refused = await loser.run(second);

        expect(failureOf(refused)).to.deep.equal(WRITE_CONFLICT);
        expect(failureOf(await loser.run(find('c')))).to.deep.equal(NO_SUCH_TRANSACTION);
        expect(failureOf(await loser.commit())).to.deep.equal(NO_SUCH_TRANSACTION);
        expect(await db.all('c')).to.deep.equal(won);
      });

      it(`a plain write after the snapshot wins: ${of}`, async () => {
        const loser = db.transaction();
        succeeded(await loser.run(find('c')));
        succeeded(await db.run(first));

        expect(failureOf(await loser.run(second))).to.deep.equal(WRITE_CONFLICT);
        expect(failureOf(await loser.commit())).to.deep.equal(NO_SUCH_TRANSACTION);
        expect(await db.all('c')).to.deep.equal(won);
      });
    }

    it('the loser is refused at once, while the winner is still open', async () => {
      const [winner, loser] = [db.transaction(), db.transaction()];
      succeeded(await winner.run(set(1, { by: 'a' })));
      const began = performance.now();

      failureOf(await loser.run(set(1, { by: 'b' })));

      expect(performance.now() - began).to.be.below(1_000);
      succeeded(await winner.abort());
    });

    it('the loser may try again once the winner has committed, and reads what the winner wrote', async () => {
      const [winner, loser] = [db.transaction(), db.transaction()];
      const increment = update('c', { _id: 1 }, { $inc: { n: 10 } });
      succeeded(await winner.run(increment));
      failureOf(await loser.run(increment));
      succeeded(await winner.commit());

      const again = loser.session.transaction();
      succeeded(await again.run(increment));
      succeeded(await again.commit());

      expect(await db.one('c', 1)).to.deep.equal({ _id: 1, n: 21 });
    });

    it('a winner that aborts leaves the field to the next', async () => {
      const [first, second] = [db.transaction(), db.transaction()];
      succeeded(await second.run(find('c')));
      succeeded(await first.run(set(1, { n: 7 })));
      succeeded(await first.abort());

      succeeded(await second.run(set(1, { n: 8 })));
      succeeded(await second.commit());

      expect(await db.one('c', 1)).to.deep.equal({ _id: 1, n: 8 });
    });

    it('a loser frees at once what it had written', async () => {
      const [winner, loser, third] = [db.transaction(), db.transaction(), db.transaction()];
      succeeded(await loser.run(set(2, { by: 'loser' })));
      succeeded(await winner.run(set(1, { by: 'winner' })));
      failureOf(await loser.run(set(1, { by: 'loser' })));

      succeeded(await third.run(set(2, { by: 'third' })));
      for (const transaction of [third, winner]) succeeded(await transaction.commit());

      expect(await db.all('c')).to.deep.equal([
        { _id: 1, n: 1, by: 'winner' },
        { _id: 2, n: 2, by: 'third' },
      ]);
    });

    it('different documents of one collection do not meet', async () => {
      const [first, second] = [db.transaction(), db.transaction()];
      succeeded(await first.run(set(1, { by: 'a' })));
      succeeded(await second.run(set(2, { by: 'b' })));
      succeeded(await second.run(insert('c', [{ _id: 3, n: 3 }])));
      succeeded(await first.run(insert('c', [{ _id: 4, n: 4 }])));

      for (const transaction of [second, first]) succeeded(await transaction.commit());

      expect((await db.all('c')).map(({ _id, by }) => [_id, by] as unknown)).to.deep.equal([
        [1, 'a'],
        [2, 'b'],
        [3, undefined],
        [4, undefined],
      ]);
    });

    it('two that read the same and write apart both commit: write skew is allowed', async () => {
      const [first, second] = [db.transaction(), db.transaction()];
      for (const transaction of [first, second]) expect(succeeded(await transaction.run(find('c')))).to.have.property('ok', 1);
      succeeded(await first.run(set(1, { onCall: false })));
      succeeded(await second.run(set(2, { onCall: false })));

      for (const transaction of [first, second]) succeeded(await transaction.commit());

      expect((await db.all('c', { onCall: false })).length).to.equal(2);
    });

    it('a write that its snapshot has no match for does not meet the document that has become one', async () => {
      const late = db.transaction();
      succeeded(await late.run(find('c')));
      await db.insert('c', { _id: 3, n: 3, state: 'open' });

      const { n } = succeeded(await late.run(update('c', { state: 'open' }, { $set: { state: 'closed' } })));
      succeeded(await late.commit());

      expect(n).to.equal(0);
      expect(await db.one('c', 3)).to.deep.equal({ _id: 3, n: 3, state: 'open' });
    });

    it('a write whose match in the snapshot has ceased to be one meets the change', async () => {
      const late = db.transaction();
      succeeded(await late.run(find('c')));
      succeeded(await db.run(set(1, { n: 100 })));

      expect(failureOf(await late.run(update('c', { n: 1 }, { $set: { by: 'late' } })))).to.deep.equal(WRITE_CONFLICT);
    });

    it('a key that a committed delete has set free after the snapshot is still a conflict', async () => {
      const late = db.transaction();
      succeeded(await late.run(find('c')));
      succeeded(await db.run(remove('c', { _id: 1 })));

      const refused = await late.run(insert('c', [{ _id: 1, n: 50 }]));

      // WiredTiger finds the key in the snapshot, or the newer delete: either way the transaction is over.
      const code = refused['ok'] === 0 ? failureOf(refused).code : (writeErrorOf(refused)['code'] as number);
      expect([112, 11_000]).to.include(code);
      expect(failureOf(await late.commit())).to.deep.equal(NO_SUCH_TRANSACTION);
    });

    it('an open delete keeps its unique key from another transaction', async () => {
      const [deleting, inserting] = [db.transaction(), db.transaction()];
      succeeded(await deleting.run(remove('c', { _id: 1 })));

      const refused = await inserting.run(insert('c', [{ _id: 3, n: 1 }]));

      const code = refused['ok'] === 0 ? failureOf(refused).code : (writeErrorOf(refused)['code'] as number);
      expect([112, 11_000]).to.include(code);
      expect(failureOf(await inserting.commit())).to.deep.equal(NO_SUCH_TRANSACTION);
      succeeded(await deleting.commit());
      expect(await db.all('c')).to.deep.equal([two()]);
    });

    it('one transaction may delete a document and insert its _id and its unique key again', async () => {
      const transaction = db.transaction();
      succeeded(await transaction.run(remove('c', { _id: 1 })));
      succeeded(await transaction.run(insert('c', [{ _id: 1, n: 2_000 }])));
      succeeded(await transaction.run(insert('c', [{ _id: 7, n: 1 }])));
      succeeded(await transaction.commit());

      expect(await db.all('c')).to.deep.equal([{ _id: 1, n: 2_000 }, two(), { _id: 7, n: 1 }]);
    });

    it('of twenty transactions that increment one counter none is lost', async () => {
      let runs = 0;
      const add = async (): Promise<void> => {
        for (const session = db.session(); ;) {
          runs += 1;
          const transaction = session.transaction();
          const written = await transaction.run(update('c', { _id: 1 }, { $inc: { count: 1 } }));
          if (written['ok'] === 1) return void succeeded(await transaction.commit());
          expect(failureOf(written)).to.deep.equal(WRITE_CONFLICT);
        }
      };

      await Promise.all(Array.from({ length: 20 }, add));

      expect(await db.one('c', 1)).to.deep.equal({ _id: 1, n: 1, count: 20 });
      expect(runs).to.be.at.least(20);
    });

    it('a value that was read and written back is not lost', async () => {
      const add = async (): Promise<void> => {
        for (const session = db.session(); ;) {
          const transaction = session.transaction();
          const read = (await transaction.run(find('c', { _id: 1 })))['cursor'] as { firstBatch: [{ count?: number }] };
          const written = await transaction.run(set(1, { count: (read.firstBatch[0].count ?? 0) + 1 }));
          if (written['ok'] === 1) return void succeeded(await transaction.commit());
        }
      };

      await Promise.all(Array.from({ length: 8 }, async () => [await add(), await add(), await add()]));

      expect(await db.one('c', 1)).to.deep.equal({ _id: 1, n: 1, count: 24 });
    });
  });
}

function one(): Document {
  return { _id: 1, n: 1 };
}

function two(): Document {
  return { _id: 2, n: 2 };
}

function set(_id: number, fields: Document): Document {
  return update('c', { _id }, { $set: fields });
}
