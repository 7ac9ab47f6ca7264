import { expect } from 'chai';
import { after, before, beforeEach, describe, it } from 'mocha';
import type { Document, Timestamp } from 'bson';
import { aggregate, find, findAndModify, insert, remove, update, upsert } from './commands.js';
import { cursorIdOf, documentsOf, succeeded } from './replies.js';
import type { Servers, ServerUnderTest } from './server-under-test.js';
import type { TestDatabase } from './test-database.js';

const READ_CONCERNS: readonly Document[] = [
  {},
  { readConcern: { level: 'local' } },
  { readConcern: { level: 'majority' } },
  { readConcern: { level: 'snapshot' } },
];

export function snapshots({ open }: Servers): void {
  describe('what a transaction sees', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(async () => {
      db = server.database();
      await db.insert('c', { _id: 1, n: 1 }, { _id: 2, n: 2 });
      await db.insert('d', { _id: 1, n: 1 });
    });

    for (const readConcern of READ_CONCERNS) {
      const named = JSON.stringify(readConcern);

      it(`one state, from its first command on, over all collections: ${named}`, async () => {
        const transaction = db.transaction();
        const before = documentsOf(await transaction.run(find('c', {}, readConcern)));

        succeeded(await db.run(update('c', { _id: 1 }, { $set: { n: 10 } })));
        succeeded(await db.run(remove('c', { _id: 2 })));
        await db.insert('c', { _id: 3, n: 3 });
        succeeded(await db.run(update('d', { _id: 1 }, { $set: { n: 10 } })));
        const again = documentsOf(await transaction.run(find('c')));
        const other = documentsOf(await transaction.run(find('d')));

        expect(before).to.deep.equal([
          { _id: 1, n: 1 },
          { _id: 2, n: 2 },
        ]);
        expect(again).to.deep.equal(before);
        expect(other).to.deep.equal([{ _id: 1, n: 1 }]);
        succeeded(await transaction.commit());
      });
    }

    it('the state at its first command, not at the moment when a client decides to begin', async () => {
      const transaction = db.transaction();
      succeeded(await db.run(update('c', { _id: 1 }, { $set: { n: 10 } })));

      const [read] = documentsOf(await transaction.run(find('c', { _id: 1 })));
      succeeded(await transaction.abort());

      expect(read).to.deep.equal({ _id: 1, n: 10 });
    });

    it('one state also when the first command writes', async () => {
      const transaction = db.transaction();
      succeeded(await transaction.run(insert('c', [{ _id: 9, n: 9 }])));
      succeeded(await db.run(update('c', { _id: 1 }, { $set: { n: 10 } })));
      await db.insert('d', { _id: 2, n: 2 });

      expect(documentsOf(await transaction.run(find('c', { _id: 1 })))).to.deep.equal([{ _id: 1, n: 1 }]);
      expect(documentsOf(await transaction.run(find('d')))).to.deep.equal([{ _id: 1, n: 1 }]);
      succeeded(await transaction.commit());
    });

    it('the same to find, aggregate and distinct, to counting and to joining', async () => {
      const transaction = db.transaction();
      succeeded(await transaction.run(find('c')));
      await db.insert('c', { _id: 3, n: 3 });
      await db.insert('d', { _id: 2, n: 2 });

      const counted = documentsOf(await transaction.run(aggregate('c', [{ $group: { _id: 1, n: { $sum: 1 } } }])));
      const distinct = succeeded(await transaction.run({ distinct: 'c', key: 'n' }));
      const joined = documentsOf(
        await transaction.run(
          aggregate('c', [{ $lookup: { from: 'd', localField: 'n', foreignField: 'n', as: 'd' } }, { $sort: { _id: 1 } }]),
        ),
      );
      succeeded(await transaction.commit());

      expect(counted).to.deep.equal([{ _id: 1, n: 2 }]);
      expect(distinct['values']).to.deep.equal([1, 2]);
      expect(joined.map(({ d }) => (d as unknown[]).length)).to.deep.equal([1, 0]);
    });

    it('the same through an index as without', async () => {
      succeeded(await db.run({ createIndexes: 'c', indexes: [{ key: { n: 1 }, name: 'n' }] }));
      const transaction = db.transaction();
      succeeded(await transaction.run(find('d')));
      succeeded(await db.run(update('c', { _id: 1 }, { $set: { n: 5 } })));
      succeeded(await db.run(remove('c', { _id: 2 })));
      await db.insert('c', { _id: 3, n: 2 });

      expect(documentsOf(await transaction.run(find('c', { n: { $gte: 1 } }, { sort: { n: -1 } })))).to.deep.equal([
        { _id: 2, n: 2 },
        { _id: 1, n: 1 },
      ]);
      expect(documentsOf(await transaction.run(find('c', { n: 5 })))).to.deep.equal([]);
      expect(documentsOf(await transaction.run(find('c', { _id: { $in: [1, 2, 3] } })))).to.have.length(2);
      succeeded(await transaction.commit());
    });

    it('a collection that was dropped or made since as it was, or an error that starts the transaction again', async () => {
      const transaction = db.transaction();
      succeeded(await transaction.run(find('c')));
      await db.insert('e', { _id: 1 });

      const read = await transaction.run(find('e'));

      // The server refuses a collection that is newer than the snapshot (246 SnapshotUnavailable) or shows it empty.
      if (read['ok'] === 0) expect(read).to.deep.include({ code: 246, errorLabels: ['TransientTransactionError'] });
      else expect(documentsOf(read)).to.deep.equal([]);
    });

    it('its own writes: inserts, updates and deletes, through every way of reading', async () => {
      const transaction = db.transaction();
      succeeded(await transaction.run(insert('c', [{ _id: 3, n: 3 }])));
      succeeded(await transaction.run(update('c', { _id: 1 }, { $inc: { n: 10 } })));
      succeeded(await transaction.run(remove('c', { _id: 2 })));
      succeeded(await transaction.run(upsert('c', { _id: 4 }, { $set: { n: 4 } })));
      succeeded(await transaction.run(update('c', { _id: 3 }, { $inc: { n: 30 } })));

      const found = documentsOf(await transaction.run(find('c', {}, { sort: { _id: 1 } })));
      const matched = documentsOf(await transaction.run(aggregate('c', [{ $match: { n: { $gt: 10 } } }, { $sort: { n: -1 } }])));
      const { value } = succeeded(await transaction.run(findAndModify('c', { _id: 1 }, { update: { $inc: { n: 100 } } })));
      const { values } = succeeded(await transaction.run({ distinct: 'c', key: '_id' }));

      expect(found).to.deep.equal([
        { _id: 1, n: 11 },
        { _id: 3, n: 33 },
        { _id: 4, n: 4 },
      ]);
      expect(matched.map(({ _id }) => _id as number)).to.deep.equal([3, 1]);
      expect(value).to.deep.equal({ _id: 1, n: 11 });
      expect(values).to.have.members([1, 3, 4]);
      succeeded(await transaction.abort());
      expect(await db.all('c')).to.deep.equal([
        { _id: 1, n: 1 },
        { _id: 2, n: 2 },
      ]);
    });

    it('its own writes through an index, in order', async () => {
      succeeded(await db.run({ createIndexes: 'c', indexes: [{ key: { n: 1 }, name: 'n' }] }));
      const transaction = db.transaction();
      succeeded(await transaction.run(insert('c', [{ _id: 3, n: 1.5 }])));
      succeeded(await transaction.run(update('c', { _id: 1 }, { $set: { n: 7 } })));

      const ascending = documentsOf(await transaction.run(find('c', { n: { $gt: 0 } }, { sort: { n: 1 }, limit: 2 })));
      const old = documentsOf(await transaction.run(find('c', { n: 1 })));
      succeeded(await transaction.commit());

      expect(ascending.map(({ _id }) => _id as number)).to.deep.equal([3, 2]);
      expect(old).to.deep.equal([]);
    });

    it('nothing that another open transaction has written, nor does a plain read', async () => {
      const [writer, reader] = [db.transaction(), db.transaction()];
      succeeded(await writer.run(update('c', { _id: 1 }, { $set: { n: 99 } })));
      succeeded(await writer.run(insert('c', [{ _id: 3, n: 99 }])));
      succeeded(await writer.run(remove('c', { _id: 2 })));

      const inside = documentsOf(await reader.run(find('c')));
      const outside = await db.all('c');
      const counted = succeeded(await db.run({ count: 'c', query: { n: 99 } }));
      const aggregated = documentsOf(await db.run(aggregate('c', [{ $match: { n: 99 } }])));
      const dirty = documentsOf(await db.run(find('c', {}, { readConcern: { level: 'local' }, sort: { _id: 1 } })));
      succeeded(await writer.abort());
      succeeded(await reader.commit());

      const committed = [
        { _id: 1, n: 1 },
        { _id: 2, n: 2 },
      ];
      expect([inside, outside, dirty]).to.deep.equal([committed, committed, committed]);
      expect([counted['n'], aggregated]).to.deep.equal([0, []]);
    });

    it('in a command of the same session without its number: nothing of it', async () => {
      const session = db.session();
      const transaction = session.transaction();
      succeeded(await transaction.run(insert('c', [{ _id: 3 }])));

      const outside = documentsOf(await session.run(find('c')));
      succeeded(await session.run(insert('c', [{ _id: 4 }])));
      const inside = documentsOf(await transaction.run(find('c', {}, { sort: { _id: 1 } })));
      succeeded(await transaction.commit());

      expect(outside.map(({ _id }) => _id as number)).to.deep.equal([1, 2]);
      expect(inside.map(({ _id }) => _id as number)).to.deep.equal([1, 2, 3]);
    });

    it('a cursor goes on in the snapshot that it began in', async () => {
      const transaction = db.transaction();
      const first = await transaction.run(find('c', {}, { batchSize: 1, sort: { _id: 1 } }));
      succeeded(await db.run(update('c', { _id: 2 }, { $set: { n: 20 } })));
      await db.insert('c', { _id: 3, n: 3 });

      const rest = documentsOf(await transaction.run({ getMore: cursorIdOf(first), collection: 'c' }));
      succeeded(await transaction.commit());

      expect(rest).to.deep.equal([{ _id: 2, n: 2 }]);
    });

    it('a transaction that only reads sees through the end the state it began with, however much is written', async () => {
      const transaction = db.transaction();
      const before = documentsOf(await transaction.run(find('c', {}, { sort: { _id: 1 } })));
      for (let n = 0; n < 200; n += 1) succeeded(await db.run(update('c', { _id: 1 }, { $inc: { n: 1 } })));

      expect(documentsOf(await transaction.run(find('c', {}, { sort: { _id: 1 } })))).to.deep.equal(before);
      succeeded(await transaction.commit());
      expect(await db.one('c', 1)).to.deep.equal({ _id: 1, n: 201 });
    });

    it('with afterClusterTime at least what was committed by then', async () => {
      const { operationTime } = succeeded(await db.run(update('c', { _id: 1 }, { $set: { n: 5 } })));

      const read = await db
        .transaction()
        .run(find('c', { _id: 1 }, { readConcern: { level: 'snapshot', afterClusterTime: operationTime as Timestamp } }));

      expect(documentsOf(read)).to.deep.equal([{ _id: 1, n: 5 }]);
    });

    it('a plain read at level snapshot tells its time, and another can read at the same', async () => {
      const read = succeeded(await db.run(find('c', {}, { readConcern: { level: 'snapshot' } })));
      const { atClusterTime } = read['cursor'] as { atClusterTime: Timestamp };
      succeeded(await db.run(update('d', { _id: 1 }, { $set: { n: 10 } })));

      const same = documentsOf(await db.run(find('d', {}, { readConcern: { level: 'snapshot', atClusterTime } })));

      expect(atClusterTime).to.have.property('_bsontype', 'Timestamp');
      expect(same).to.deep.equal([{ _id: 1, n: 1 }]);
    });

    it('deletes of its own keep hidden what a later plain commit cannot bring back', async () => {
      const transaction = db.transaction();
      succeeded(await transaction.run(remove('c', {}, 0)));
      await db.insert('c', { _id: 3 });

      const seen = documentsOf(await transaction.run(find('c')));
      succeeded(await transaction.commit());

      expect(seen).to.deep.equal([]);
      expect(await db.all('c')).to.deep.equal([{ _id: 3 }]);
    });
  });
}
