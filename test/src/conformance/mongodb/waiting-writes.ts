import { expect } from 'chai';
import { after, before, beforeEach, describe, it } from 'mocha';
import type { Document } from 'bson';
import { aggregate, find, findAndModify, insert, remove, uniqueIndex, update, upsert } from './commands.js';
import { documentsOf, failureOf, NO_SUCH_TRANSACTION, OUT_OF_TIME, succeeded, writeErrorOf } from './replies.js';
import type { RawTransaction } from './raw-session.js';
import type { Servers, ServerUnderTest } from './server-under-test.js';
import { stillWaits } from './settled.js';
import type { TestDatabase } from './test-database.js';

interface PlainWrite {
  readonly of: string;
  /** What an open transaction has written on `{_id: 1, n: 1}, {_id: 2, n: 2}` with `n` unique. */
  readonly open: Document;
  readonly plain: Document;
}

const MEETINGS: readonly PlainWrite[] = [
  { of: 'an update, behind an update', open: set(1, { by: 'tx' }), plain: set(1, { plain: true }) },
  { of: 'a delete, behind an update', open: set(1, { by: 'tx' }), plain: remove('c', { _id: 1 }) },
  { of: 'an update, behind a delete', open: remove('c', { _id: 1 }), plain: set(1, { plain: true }) },
  {
    of: 'findAndModify, behind an update',
    open: set(1, { by: 'tx' }),
    plain: findAndModify('c', { _id: 1 }, { update: { $set: { plain: true } } }),
  },
  { of: 'an insert of the same _id, behind an insert', open: insert('c', [{ _id: 3, n: 3 }]), plain: insert('c', [{ _id: 3, n: 4 }]) },
  {
    of: 'an insert of the same unique key, behind an insert',
    open: insert('c', [{ _id: 3, n: 3 }]),
    plain: insert('c', [{ _id: 4, n: 3 }]),
  },
  { of: 'an update to the same unique key, behind an update', open: set(1, { n: 9 }), plain: set(2, { n: 9 }) },
  {
    of: 'an upsert, behind an insert of the same _id',
    open: insert('c', [{ _id: 3, n: 3 }]),
    plain: upsert('c', { _id: 3 }, { $set: { n: 4 } }),
  },
  {
    of: 'an update of many, behind an update of one',
    open: set(1, { by: 'tx' }),
    plain: update('c', {}, { $set: { plain: true } }, { multi: true }),
  },
  {
    of: 'the bulkWrite command, behind an update',
    open: set(1, { by: 'tx' }),
    plain: { bulkWrite: 1, ops: [{ update: 0, filter: { _id: 1 }, updateMods: { $set: { plain: true } } }] },
  },
];

export function waitingWrites({ open }: Servers): void {
  describe('plain writes beside an open transaction', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;
    let transaction: RawTransaction;

    const run = (command: Document): Promise<Document> =>
      'bulkWrite' in command ? db.admin({ ...command, nsInfo: [{ ns: `${db.name}.c` }] }) : db.run(command);

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(async () => {
      db = server.database();
      await db.insert('c', { _id: 1, n: 1 }, { _id: 2, n: 2 });
      succeeded(await db.run(uniqueIndex('c', { n: 1 })));
      transaction = db.transaction();
    });

    for (const { of, open: opening, plain } of MEETINGS) {
      it(`wait until it ends: ${of}`, async () => {
        succeeded(await transaction.run(opening));

        const waiting = run(plain);

        expect(await stillWaits(waiting)).to.equal(true);
        succeeded(await transaction.abort());
        succeeded(await waiting);
      });

      it(`give up after maxTimeMS: ${of}`, async () => {
        succeeded(await transaction.run(opening));
        const before = await db.all('c');

        const refused = await run({ ...plain, maxTimeMS: 30 });

        expect(failureOf(refused)).to.deep.equal(OUT_OF_TIME);
        succeeded(await transaction.abort());
        expect(await db.all('c')).to.deep.equal(before);
      });
    }

    it('do not wait for a document that it has not written', async () => {
      succeeded(await transaction.run(set(1, { by: 'tx' })));
      succeeded(await transaction.run(find('c')));

      succeeded(await db.run(set(2, { plain: true })));
      succeeded(await db.run(insert('c', [{ _id: 3, n: 3 }])));
      succeeded(await transaction.commit());

      expect(await db.all('c')).to.deep.equal([
        { _id: 1, n: 1, by: 'tx' },
        { _id: 2, n: 2, plain: true },
        { _id: 3, n: 3 },
      ]);
    });

    it('find the key taken when it has committed: 11000', async () => {
      succeeded(await transaction.run(insert('c', [{ _id: 3, n: 3 }])));
      const sameId = db.run(insert('c', [{ _id: 3, n: 30 }]));
      const sameKey = db.run(insert('c', [{ _id: 30, n: 3 }]));
      expect(await stillWaits(Promise.race([sameId, sameKey]))).to.equal(true);

      succeeded(await transaction.commit());

      expect(writeErrorOf(await sameId)).to.deep.include({ index: 0, code: 11_000, keyPattern: { _id: 1 }, keyValue: { _id: 3 } });
      expect(writeErrorOf(await sameKey)).to.deep.include({ index: 0, code: 11_000, keyPattern: { n: 1 }, keyValue: { n: 3 } });
      expect(await db.one('c', 3)).to.deep.equal({ _id: 3, n: 3 });
    });

    it('change the state that it has left, not the one that they found', async () => {
      succeeded(await transaction.run(update('c', { _id: 1 }, { $inc: { n: 100 } })));
      const increment = db.run(update('c', { _id: 1 }, { $inc: { n: 1 } }));
      expect(await stillWaits(increment)).to.equal(true);

      succeeded(await transaction.commit());

      expect(succeeded(await increment)).to.include({ n: 1, nModified: 1 });
      expect(await db.one('c', 1)).to.deep.equal({ _id: 1, n: 102 });
    });

    it('look at their filter again: what no longer matches is left alone', async () => {
      succeeded(await transaction.run(set(1, { state: 'closed' })));
      const guarded = db.run(update('c', { _id: 1, state: { $ne: 'closed' } }, { $set: { n: 50 } }));
      const deleting = db.run(remove('c', { _id: 1, state: { $exists: false } }));
      const modifying = db.run(findAndModify('c', { _id: 1, n: 1, state: null }, { update: { $set: { n: 51 } } }));
      expect(await stillWaits(Promise.race([guarded, deleting, modifying]))).to.equal(true);

      succeeded(await transaction.commit());

      expect(succeeded(await guarded)).to.include({ n: 0, nModified: 0 });
      expect(succeeded(await deleting)).to.include({ n: 0 });
      expect(succeeded(await modifying)).to.deep.include({ value: null });
      expect(await db.one('c', 1)).to.deep.equal({ _id: 1, n: 1, state: 'closed' });
    });

    it('find no document when it has deleted it', async () => {
      succeeded(await transaction.run(remove('c', { _id: 1 })));
      const waiting = db.run(set(1, { plain: true }));
      expect(await stillWaits(waiting)).to.equal(true);

      succeeded(await transaction.commit());

      expect(succeeded(await waiting)).to.include({ n: 0, nModified: 0 });
      expect(await db.all('c')).to.deep.equal([{ _id: 2, n: 2 }]);
    });

    it('an upsert updates what it has inserted, and inserts what it has deleted', async () => {
      succeeded(await transaction.run(insert('c', [{ _id: 3, n: 3 }])));
      succeeded(await transaction.run(remove('c', { _id: 1 })));
      const updating = db.run(upsert('c', { _id: 3 }, { $inc: { n: 1_000 } }));
      const inserting = db.run(upsert('c', { _id: 1 }, { $set: { n: 11 } }));
      expect(await stillWaits(Promise.race([updating, inserting]))).to.equal(true);

      succeeded(await transaction.commit());

      expect(succeeded(await updating)).to.deep.include({ n: 1, nModified: 1 });
      expect(succeeded(await inserting)).to.deep.include({ n: 1, nModified: 0, upserted: [{ index: 0, _id: 1 }] });
      expect(await db.all('c')).to.deep.equal([
        { _id: 1, n: 11 },
        { _id: 2, n: 2 },
        { _id: 3, n: 1_003 },
      ]);
    });

    it('go on when it fails by itself', async () => {
      const winner = db.transaction();
      succeeded(await transaction.run(set(1, { by: 'tx' })));
      succeeded(await winner.run(set(2, { by: 'winner' })));
      const waiting = db.run(set(1, { plain: true }));
      expect(await stillWaits(waiting)).to.equal(true);

      failureOf(await transaction.run(set(2, { by: 'tx' })));

      succeeded(await waiting);
      succeeded(await winner.commit());
      expect(await db.one('c', 1)).to.deep.equal({ _id: 1, n: 1, plain: true });
    });

    it('that wait make no conflict themselves: it may write the document again, and commit', async () => {
      succeeded(await transaction.run(set(1, { n: 10 })));
      const waiting = db.run(update('c', { _id: 1 }, { $inc: { n: 1 } }));
      expect(await stillWaits(waiting)).to.equal(true);

      succeeded(await transaction.run(update('c', { _id: 1 }, { $inc: { n: 100 } })));
      succeeded(await transaction.commit());
      succeeded(await waiting);

      expect(await db.one('c', 1)).to.deep.equal({ _id: 1, n: 111 });
    });

    it('that wait are all carried out, each once', async () => {
      succeeded(await transaction.run(set(1, { count: 0 })));
      const increments = Array.from({ length: 10 }, () => db.run(update('c', { _id: 1 }, { $inc: { count: 1 } })));
      expect(await stillWaits(Promise.race(increments))).to.equal(true);

      succeeded(await transaction.commit());
      for (const reply of await Promise.all(increments)) expect(succeeded(reply)).to.include({ nModified: 1 });

      expect(await db.one('c', 1)).to.deep.equal({ _id: 1, n: 1, count: 10 });
    });

    it('of many documents leave none out', async () => {
      succeeded(await transaction.run(set(2, { by: 'tx' })));
      const many = db.run(update('c', {}, { $inc: { n: 1_000 } }, { multi: true }));
      expect(await stillWaits(many)).to.equal(true);

      succeeded(await transaction.commit());

      expect(succeeded(await many)).to.include({ n: 2, nModified: 2 });
      expect(await db.all('c')).to.deep.equal([
        { _id: 1, n: 1_001 },
        { _id: 2, n: 1_002, by: 'tx' },
      ]);
    });

    it('wait behind a second transaction as well, when it is faster than they', async () => {
      const second = db.transaction();
      succeeded(await transaction.run(set(1, { n: 5 })));
      const waiting = db.run(update('c', { _id: 1 }, { $inc: { n: 1 } }));
      expect(await stillWaits(waiting)).to.equal(true);
      succeeded(await transaction.commit());
      succeeded(await waiting);

      succeeded(await second.run(set(1, { n: 10 })));
      const again = db.run(update('c', { _id: 1 }, { $inc: { n: 1 } }));
      expect(await stillWaits(again)).to.equal(true);
      succeeded(await second.commit());
      succeeded(await again);

      expect(await db.one('c', 1)).to.deep.equal({ _id: 1, n: 11 });
    });

    it('a client that goes while its write waits takes the write with it', async () => {
      succeeded(await transaction.run(set(1, { by: 'tx' })));
      const connection = await server.connection();
      connection.send(db.name, update('c', { _id: 1 }, { $inc: { n: 1 } }));
      await stillWaits(new Promise(() => {}));

      connection.cut();
      await stillWaits(new Promise(() => {}));
      succeeded(await transaction.commit());
      await stillWaits(new Promise(() => {}));

      // A server notices a closed socket within a second or so and interrupts; until then either is right.
      expect([1, 2]).to.include((await db.one('c', 1))!['n']);
    });

    it('plain reads wait for nothing', async () => {
      succeeded(await transaction.run(update('c', {}, { $set: { by: 'tx' } }, { multi: true })));
      succeeded(await transaction.run(insert('c', [{ _id: 3, n: 3 }])));

      const reads = Promise.all([
        db.run(find('c', { _id: 1 })),
        db.run(find('c', { n: 3 })),
        db.run(aggregate('c', [{ $match: { by: 'tx' } }])),
        db.run({ count: 'c' }),
        db.run({ distinct: 'c', key: 'n' }),
      ]);

      expect(await stillWaits(reads)).to.equal(false);
      const [byId, byKey, aggregated, counted, distinct] = await reads;
      expect(documentsOf(byId)).to.deep.equal([{ _id: 1, n: 1 }]);
      expect([...documentsOf(byKey), ...documentsOf(aggregated)]).to.deep.equal([]);
      expect([counted['n'], distinct['values']]).to.deep.equal([2, [1, 2]]);
      succeeded(await transaction.abort());
    });

    it('a transaction waits for no plain write', async () => {
      succeeded(await transaction.run(set(1, { by: 'tx' })));
      const waiting = db.run(set(1, { plain: true }));
      expect(await stillWaits(waiting)).to.equal(true);
      const other = db.transaction();

      const refused = await other.run(set(1, { by: 'other' }));

      expect(failureOf(refused).code).to.equal(112);
      expect(failureOf(await other.commit())).to.deep.equal(NO_SUCH_TRANSACTION);
      succeeded(await transaction.commit());
      succeeded(await waiting);
    });
  });
}

function set(_id: number, fields: Document): Document {
  return update('c', { _id }, { $set: fields });
}
