import { expect } from 'chai';
import { after, before, beforeEach, describe, it } from 'mocha';
import type { Document } from 'bson';
import { aggregate, find, findAndModify, insert, remove, uniqueIndex, update } from './commands.js';
import { failureOf, NO_SUCH_TRANSACTION, NOT_IN_TRANSACTION, succeeded, writeErrorOf } from './replies.js';
import type { RawTransaction } from './raw-session.js';
import type { Servers, ServerUnderTest } from './server-under-test.js';
import type { TestDatabase } from './test-database.js';

interface BadOperation {
  readonly that: string;
  readonly command: Document;
  readonly code: number;
}

/** Operations that fail on `{_id: 1, n: 1, text: 'a'}, {_id: 2, n: 2}` with `n` unique. */
const ANSWERED_AS_WRITE_ERROR: readonly BadOperation[] = [
  { that: 'inserts an _id that was there before', command: insert('c', [{ _id: 1 }]), code: 11_000 },
  { that: 'inserts a unique key that was there before', command: insert('c', [{ _id: 3, n: 2 }]), code: 11_000 },
  { that: 'updates to a unique key that was there before', command: update('c', { _id: 1 }, { $set: { n: 2 } }), code: 11_000 },
  { that: 'increments a text', command: update('c', { _id: 1 }, { $inc: { text: 1 } }), code: 14 },
  { that: 'goes through a number as if it were a document', command: update('c', { _id: 1 }, { $set: { 'n.x': 1 } }), code: 28 },
  { that: 'changes an _id', command: update('c', { _id: 1 }, { $set: { _id: 5 } }), code: 66 },
  { that: 'sets one path twice', command: update('c', { _id: 1 }, { $set: { n: 5 }, $inc: { n: 1 } }), code: 40 },
  { that: 'has an unknown update operator', command: update('c', { _id: 1 }, { $frobnicate: { n: 1 } }), code: 9 },
  { that: 'deletes by an unknown query operator', command: remove('c', { n: { $frobnicate: 1 } }), code: 2 },
];

const ANSWERED_AS_FAILURE: readonly BadOperation[] = [
  { that: 'finds by an unknown operator', command: find('c', { n: { $frobnicate: 1 } }), code: 2 },
  { that: 'aggregates by an unknown stage', command: aggregate('c', [{ $frobnicate: 1 }]), code: 40_324 },
  {
    that: 'modifies to a unique key that was there before',
    command: findAndModify('c', { _id: 1 }, { update: { $set: { n: 2 } } }),
    code: 11_000,
  },
  { that: 'modifies a text as a number', command: findAndModify('c', { _id: 1 }, { update: { $inc: { text: 1 } } }), code: 14 },
  { that: 'asks for more of a cursor that is not there', command: { getMore: 12_345_678_901n, collection: 'c' }, code: 43 },
];

/** Commands that are refused before the session is touched. */
const REFUSED: readonly { readonly command: Document; readonly admin?: boolean }[] = [
  { command: { count: 'c' } },
  { command: { ping: 1 } },
  { command: { ping: 1 }, admin: true },
  { command: { buildInfo: 1 }, admin: true },
  { command: { drop: 'c' } },
  { command: { dropDatabase: 1 } },
  { command: { dropIndexes: 'c', index: 'n' } },
  { command: { listCollections: 1 } },
  { command: { listIndexes: 'c' } },
  { command: { listDatabases: 1 }, admin: true },
  { command: { explain: { find: 'c' } } },
];

export function failedOperations({ open }: Servers): void {
  describe('an operation that fails inside a transaction', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;
    let transaction: RawTransaction;

    const expectAborted = async (): Promise<void> => {
      expect(failureOf(await transaction.run(insert('other', [{ _id: 2 }])))).to.deep.equal(NO_SUCH_TRANSACTION);
      expect(failureOf(await transaction.commit())).to.deep.equal(NO_SUCH_TRANSACTION);
      succeeded(await db.run(update('c', { _id: 2 }, { $set: { free: true } }))); // its lock is gone
      expect(await db.all('other')).to.deep.equal([]);
      expect(await db.all('c')).to.deep.equal([
        { _id: 1, n: 1, text: 'a' },
        { _id: 2, n: 2, free: true },
      ]);
    };

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(async () => {
      db = server.database();
      await db.insert('c', { _id: 1, n: 1, text: 'a' }, { _id: 2, n: 2 });
      succeeded(await db.run(uniqueIndex('c', { n: 1 })));
      await db.create('other');
      transaction = db.transaction();
    });

    for (const { that, command, code } of ANSWERED_AS_WRITE_ERROR) {
      it(`aborts everything, and is told as write error ${code} without a label: one that ${that}`, async () => {
        succeeded(await transaction.run(insert('other', [{ _id: 1 }])));
        succeeded(await transaction.run(update('c', { _id: 2 }, { $set: { by: 'tx' } })));

        const reply = await transaction.run(command);

        expect(writeErrorOf(reply)).to.include({ index: 0, code });
        await expectAborted();
      });
    }

    for (const { that, command, code } of ANSWERED_AS_FAILURE) {
      it(`aborts everything, and is told as failure ${code} without a label: one that ${that}`, async () => {
        succeeded(await transaction.run(insert('other', [{ _id: 1 }])));
        succeeded(await transaction.run(update('c', { _id: 2 }, { $set: { by: 'tx' } })));

        const reply = await transaction.run(command);

        expect(failureOf(reply)).to.deep.include({ code, labels: [] });
        await expectAborted();
      });
    }

    for (const { that, command, code } of [ANSWERED_AS_WRITE_ERROR[0]!, ANSWERED_AS_FAILURE[0]!]) {
      it(`aborts also a transaction that it opens: one that ${that} (${code})`, async () => {
        await transaction.run(command);

        expect(failureOf(await transaction.run(find('c')))).to.deep.equal(NO_SUCH_TRANSACTION);
        expect(failureOf(await transaction.commit())).to.deep.equal(NO_SUCH_TRANSACTION);
      });
    }

    it('names the key of a duplicate', async () => {
      const [id, n] = [
        writeErrorOf(await transaction.run(insert('c', [{ _id: 1 }]))),
        await db.transaction().run(insert('c', [{ _id: 3, n: 2 }])),
      ];

      expect(id).to.deep.include({ keyPattern: { _id: 1 }, keyValue: { _id: 1 } });
      expect(writeErrorOf(n)).to.deep.include({ keyPattern: { n: 1 }, keyValue: { n: 2 } });
    });

    for (const ordered of [true, false]) {
      it(`is the last of its batch, ordered ${ordered}`, async () => {
        const reply = await transaction.run(insert('c', [{ _id: 10, n: 10 }, { _id: 1 }, { _id: 11, n: 11 }, { _id: 2 }], { ordered }));

        expect(reply).to.include({ ok: 1, n: 1 });
        expect(writeErrorOf(reply)).to.include({ index: 1, code: 11_000 });
        expect(failureOf(await transaction.commit())).to.deep.equal(NO_SUCH_TRANSACTION);
        expect(await db.all('c')).to.have.length(2);
      });
    }

    it('leaves the session to a new transaction', async () => {
      await transaction.run(insert('c', [{ _id: 1 }]));
      const next = transaction.session.transaction();

      succeeded(await next.run(insert('other', [{ _id: 1 }])));
      succeeded(await next.commit());

      expect(await db.all('other')).to.deep.equal([{ _id: 1 }]);
    });

    for (const { command, admin = false } of REFUSED) {
      const title = `${JSON.stringify(command)}${admin ? ' on admin' : ''}`;

      it(`is refused and changes nothing: ${title}`, async () => {
        const options = admin ? { db: 'admin' } : {};
        succeeded(await transaction.run(insert('other', [{ _id: 1 }])));

        const refused = await transaction.run(command, options);

        expect(failureOf(refused)).to.deep.equal(NOT_IN_TRANSACTION);
        succeeded(await transaction.run(insert('other', [{ _id: 2 }])));
        succeeded(await transaction.commit());
        expect(await db.all('other')).to.have.length(2);
      });

      it(`opens no transaction: ${title}`, async () => {
        const refused = await transaction.run(command, admin ? { db: 'admin' } : {});

        expect(failureOf(refused)).to.deep.equal(NOT_IN_TRANSACTION);
        expect(failureOf(await transaction.commit())).to.deep.equal(NO_SUCH_TRANSACTION);
      });
    }

    it('is refused as the first one: killCursors, commitTransaction and abortTransaction', async () => {
      const opening = { autocommit: false, startTransaction: true };
      const session = db.session();

      for (const command of [{ killCursors: 'c', cursors: [1n] }])
        expect(failureOf(await session.run({ ...command, ...opening, txnNumber: session.nextNumber() }))).to.deep.equal(NOT_IN_TRANSACTION);
      for (const command of [{ commitTransaction: 1 }, { abortTransaction: 1 }]) {
        const refused = await session.run({ ...command, ...opening, txnNumber: session.nextNumber() }, { db: 'admin' });
        expect(failureOf(refused)).to.deep.equal(NOT_IN_TRANSACTION);
      }
    });

    it('is refused, and may end the transaction: a change stream', async () => {
      succeeded(await transaction.run(find('c')));

      expect(failureOf(await transaction.run(aggregate('c', [{ $changeStream: {} }])))).to.deep.equal(NOT_IN_TRANSACTION);
    });

    it('is none: distinct, create, createIndexes on a new collection, an insert into a missing one', async () => {
      succeeded(await transaction.run({ distinct: 'c', key: 'n' }));
      succeeded(await transaction.run({ create: 'made' }));
      succeeded(await transaction.run(uniqueIndex('made', { n: 1 })));
      succeeded(await transaction.run(insert('made', [{ _id: 1, n: 1 }])));
      succeeded(await transaction.run(insert('implied', [{ _id: 1 }])));
      const outside = succeeded(await db.run({ listCollections: 1, nameOnly: true }));
      succeeded(await transaction.commit());

      const names = ({ cursor }: Document): string[] =>
        (cursor as { firstBatch: { name: string }[] }).firstBatch.map(({ name }) => name).sort();
      expect(names(outside)).to.deep.equal(['c', 'other']);
      expect(names(await db.run({ listCollections: 1, nameOnly: true }))).to.deep.equal(['c', 'implied', 'made', 'other']);
      expect(writeErrorOf(await db.run(insert('made', [{ _id: 2, n: 1 }])))).to.include({ code: 11_000 });
    });

    it('takes back the collections that it has made', async () => {
      succeeded(await transaction.run({ create: 'made' }));
      succeeded(await transaction.run(insert('implied', [{ _id: 1 }])));
      succeeded(await transaction.abort());

      const { cursor } = succeeded(await db.run({ listCollections: 1, nameOnly: true }));

      expect((cursor as { firstBatch: { name: string }[] }).firstBatch.map(({ name }) => name).sort()).to.deep.equal(['c', 'other']);
    });
  });
}
