import { expect } from 'chai';
import { after, before, beforeEach, describe, it } from 'mocha';
import type { Document } from 'bson';
import { findAndModify, insert, remove, uniqueIndex, update, upsert } from './commands.js';
import { failureOf, succeeded, TRANSACTION_TOO_OLD, writeErrorOf } from './replies.js';
import type { RawSession } from './raw-session.js';
import type { Servers, ServerUnderTest } from './server-under-test.js';
import { stillWaits } from './settled.js';
import type { TestDatabase } from './test-database.js';
import { WatchedStream } from './watched-stream.js';

interface Write {
  readonly of: string;
  /** On `{_id: 1, n: 1}, {_id: 2, n: 1}`. */
  readonly command: Document;
  readonly answer: Document;
  readonly left: readonly Document[];
}

const WRITES: readonly Write[] = [
  { of: 'an insert', command: insert('c', [{ _id: 3 }, { _id: 4 }]), answer: { n: 2 }, left: [doc(1), doc(2), { _id: 3 }, { _id: 4 }] },
  { of: 'an update', command: update('c', { _id: 1 }, { $inc: { n: 1 } }), answer: { n: 1, nModified: 1 }, left: [doc(1, 2), doc(2)] },
  {
    of: 'a replacement',
    command: update('c', { n: 1 }, { n: 1, replaced: true }),
    answer: { n: 1, nModified: 1 },
    left: [{ _id: 1, n: 1, replaced: true }, doc(2)],
  },
  {
    of: 'an update that changes nothing',
    command: update('c', { _id: 1 }, { $set: { n: 1 } }),
    answer: { n: 1, nModified: 0 },
    left: [doc(1), doc(2)],
  },
  {
    of: 'an update by a pipeline',
    command: update('c', { _id: 1 }, [{ $set: { n: { $add: ['$n', 1] } } }]),
    answer: { n: 1, nModified: 1 },
    left: [doc(1, 2), doc(2)],
  },
  {
    of: 'an upsert that inserts',
    command: upsert('c', { _id: 3 }, { $inc: { n: 1 } }),
    answer: { n: 1, nModified: 0, upserted: [{ index: 0, _id: 3 }] },
    left: [doc(1), doc(2), doc(3)],
  },
  { of: 'a delete', command: remove('c', { n: 1 }), answer: { n: 1 }, left: [doc(2)] },
  {
    of: 'several updates',
    command: {
      update: 'c',
      updates: [
        { q: { _id: 1 }, u: { $inc: { n: 1 } } },
        { q: { _id: 1 }, u: { $inc: { n: 10 } } },
        { q: { _id: 5 }, u: { $inc: { n: 10 } } },
      ],
    },
    answer: { n: 2, nModified: 2 },
    left: [doc(1, 12), doc(2)],
  },
];

const IMAGES: readonly Write[] = [
  {
    of: 'the old document of an update',
    command: findAndModify('c', { _id: 1 }, { update: { $inc: { n: 1 } } }),
    answer: { value: doc(1), lastErrorObject: { n: 1, updatedExisting: true } },
    left: [doc(1, 2), doc(2)],
  },
  {
    of: 'the new document of an update',
    command: findAndModify('c', { _id: 1 }, { update: { $inc: { n: 1 } }, new: true }),
    answer: { value: doc(1, 2), lastErrorObject: { n: 1, updatedExisting: true } },
    left: [doc(1, 2), doc(2)],
  },
  {
    of: 'the removed document',
    command: findAndModify('c', { n: 1 }, { remove: true, sort: { _id: -1 } }),
    answer: { value: doc(2), lastErrorObject: { n: 1 } },
    left: [doc(1)],
  },
  {
    of: 'the upserted document',
    command: findAndModify('c', { _id: 3 }, { update: { $inc: { n: 1 } }, upsert: true, new: true }),
    answer: { value: doc(3), lastErrorObject: { n: 1, updatedExisting: false, upserted: 3 } },
    left: [doc(1), doc(2), doc(3)],
  },
];

export function retryableWrites({ open }: Servers): void {
  describe('retryable writes', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;
    let session: RawSession;

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(async () => {
      db = server.database();
      await db.insert('c', doc(1), doc(2));
      session = db.session();
    });

    for (const { of, command, answer, left } of WRITES) {
      it(`answer a retry from the record and apply nothing twice: ${of}`, async () => {
        const first = succeeded(await session.write(command, 5n));
        const retried = succeeded(await session.on(await server.connection()).write(command, 5n));

        expect(first).to.deep.include(answer).and.not.have.property('retriedStmtIds');
        expect(retried).to.deep.include(answer);
        expect(await db.all('c')).to.deep.equal(left);
      });
    }

    it('name the statements that were answered from the record', async () => {
      for (const command of [insert('c', [{ _id: 3 }, { _id: 4 }]), update('c', { _id: 1 }, { $inc: { n: 1 } }), remove('c', { _id: 2 })]) {
        const number = session.nextNumber();
        succeeded(await session.write(command, number));

        const { retriedStmtIds } = succeeded(await session.write(command, number));

        expect(retriedStmtIds).to.deep.equal('insert' in command ? [0, 1] : [0]);
      }
    });

    for (const { of, command, answer, left } of IMAGES) {
      it(`findAndModify gives ${of} again, whatever has become of it`, async () => {
        const first = succeeded(await session.write(command, 5n));
        await db.insert('other', { _id: 1 });
        const retried = succeeded(await session.write(command, 5n));
        expect(await db.all('c')).to.deep.equal(left);
        succeeded(await db.run(remove('c', {}, 0)));
        const late = succeeded(await session.write(command, 5n));

        expect(first).to.deep.include(answer).and.not.have.property('retriedStmtId');
        expect(retried).to.deep.include({ ...answer, retriedStmtId: 0 });
        expect(late).to.deep.include({ ...answer, retriedStmtId: 0 });
        expect(await db.all('c')).to.deep.equal([]);
      });
    }

    it('carry out the statements of a retry that the first try had not reached', async () => {
      succeeded(await session.write(insert('c', [{ _id: 3 }, { _id: 4 }]), 5n));

      const retried = succeeded(await session.write(insert('c', [{ _id: 3 }, { _id: 4 }, { _id: 5 }]), 5n));

      expect(retried).to.deep.include({ n: 3, retriedStmtIds: [0, 1] });
      expect((await db.all('c')).map(({ _id }) => _id as number)).to.deep.equal([1, 2, 3, 4, 5]);
    });

    it('do not record a statement that failed: it is tried again', async () => {
      const batch = insert('c', [{ _id: 3 }, { _id: 1 }, { _id: 4 }], { ordered: false });
      expect(writeErrorOf(await session.write(batch, 5n))).to.include({ index: 1, code: 11_000 });
      expect(writeErrorOf(await session.write(batch, 5n))).to.include({ index: 1, code: 11_000 });
      succeeded(await db.run(remove('c', { _id: 1 })));

      const third = succeeded(await session.write(batch, 5n));

      expect(third).to.deep.include({ n: 3, retriedStmtIds: [0, 2] });
      expect(await db.all('c')).to.deep.equal([{ _id: 1 }, doc(2), { _id: 3 }, { _id: 4 }]);
    });

    it('do not record what an ordered batch left out behind a failure', async () => {
      const batch = insert('c', [{ _id: 3 }, { _id: 1 }, { _id: 4 }]);
      expect(writeErrorOf(await session.write(batch, 5n))).to.include({ index: 1 });
      expect(await db.one('c', 4)).to.equal(undefined);
      succeeded(await db.run(remove('c', { _id: 1 })));

      expect(succeeded(await session.write(batch, 5n))).to.deep.include({ n: 3, retriedStmtIds: [0] });
      expect(await db.all('c')).to.have.length(4);
    });

    it('do not record one that matched nothing: it may match at the retry', async () => {
      const command = update('c', { _id: 9 }, { $inc: { n: 1 } });
      expect(succeeded(await session.write(command, 5n))).to.include({ n: 0 });
      await db.insert('c', doc(9));

      const retried = succeeded(await session.write(command, 5n));

      expect(retried).to.include({ n: 1 }).and.not.have.property('retriedStmtIds');
    });

    it('are remembered by session and number: another session, and the next number, write anew', async () => {
      const command = update('c', { _id: 1 }, { $inc: { n: 1 } });
      for (const [one, number] of [
        [session, 5n],
        [session, 6n],
        [db.session(), 5n],
        [db.session(), 6n],
      ] as const)
        for (let attempt = 0; attempt < 3; attempt += 1) succeeded(await one.write(command, number));

      expect(await db.one('c', 1)).to.deep.equal(doc(1, 5));
    });

    it('of a lower number are too old: 225', async () => {
      succeeded(await session.write(update('c', { _id: 1 }, { $inc: { n: 1 } }), 6n));

      expect(failureOf(await session.write(update('c', { _id: 1 }, { $inc: { n: 1 } }), 5n))).to.deep.equal(TRANSACTION_TOO_OLD);
      expect(await db.one('c', 1)).to.deep.equal(doc(1, 2));
    });

    it('are carried out once when first try and retry wait side by side', async () => {
      const transaction = db.transaction();
      const command = update('c', { _id: 1 }, { $inc: { n: 1 } });
      succeeded(await transaction.run(update('c', { _id: 1 }, { $set: { by: 'tx' } })));
      const tries = Promise.all([1, 2, 3].map(() => session.write(command, 5n)));
      expect(await stillWaits(tries)).to.equal(true);

      succeeded(await transaction.commit());
      for (const reply of await tries) expect(succeeded(reply)).to.include({ n: 1, nModified: 1 });

      expect(await db.one('c', 1)).to.deep.equal({ _id: 1, n: 2, by: 'tx' });
    });

    it('whose sender went before the answer are answered to the retry', async () => {
      const connection = await server.connection();
      connection.send(db.name, { ...update('c', { _id: 1 }, { $inc: { n: 1 } }), lsid: session.lsid, txnNumber: 5n });
      await stillWaits(new Promise(() => {}));
      connection.cut();

      const retried = succeeded(await session.write(update('c', { _id: 1 }, { $inc: { n: 1 } }), 5n));

      expect(retried).to.deep.include({ n: 1, nModified: 1, retriedStmtIds: [0] });
      expect(await db.one('c', 1)).to.deep.equal(doc(1, 2));
    });

    it('make one event in a change stream, however often they are tried', async () => {
      const stream = await WatchedStream.open(server, { db: db.name });
      for (let attempt = 0; attempt < 3; attempt += 1) succeeded(await session.write(insert('c', [{ _id: 3 }]), 5n));
      for (let attempt = 0; attempt < 3; attempt += 1) succeeded(await session.write(upsert('d', { _id: 1 }, { $inc: { n: 1 } }), 6n));
      await db.insert('c', { _id: 'marker' });

      const events = await stream.next(3);
      await stream.close();

      expect(events.map(({ operationType, documentKey }) => [operationType, (documentKey as Document)['_id']] as unknown[])).to.deep.equal([
        ['insert', 3],
        ['insert', 1],
        ['insert', 'marker'],
      ]);
    });

    it('with a duplicate key by a unique index fail each time alike, without a label', async () => {
      succeeded(await db.run(remove('c', { _id: 2 })));
      succeeded(await db.run(uniqueIndex('c', { n: 1 })));
      for (let attempt = 0; attempt < 2; attempt += 1)
        expect(writeErrorOf(await session.write(insert('c', [{ _id: 3, n: 1 }]), 5n))).to.deep.include({
          code: 11_000,
          keyPattern: { n: 1 },
          keyValue: { n: 1 },
        });
    });

    it('of many documents are refused', async () => {
      const many = await session.write(update('c', {}, { $inc: { n: 1 } }, { multi: true }));
      const all = await session.write(remove('c', {}, 0));

      for (const refused of [many, all]) {
        const code = refused['ok'] === 0 ? failureOf(refused).code : (writeErrorOf(refused)['code'] as number);
        expect(code).to.equal(72);
      }
      expect(await db.all('c')).to.deep.equal([doc(1), doc(2)]);
    });

    it('give a made-up _id once', async () => {
      const command = upsert('c', { name: 'new' }, { $set: { n: 5 } });
      const first = succeeded(await session.write(command, 5n));
      const second = succeeded(await session.write(command, 5n));

      expect(second['upserted']).to.deep.equal(first['upserted']);
      expect(await db.all('c', { name: 'new' })).to.have.length(1);
    });
  });
}

function doc(_id: number, n = 1): Document {
  return { _id, n };
}
