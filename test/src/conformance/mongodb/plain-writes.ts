import type { Document } from 'bson';
import { ObjectId } from 'bson';
import { expect } from 'chai';
import { after, before, beforeEach, describe, it } from 'mocha';
import { aggregate, find, findAndModify, insert, remove, update, upsert } from './commands.js';
import { documentsOf, failureOf, succeeded, writeErrorOf } from './replies.js';
import type { Servers, ServerUnderTest } from './server-under-test.js';
import type { TestDatabase } from './test-database.js';

interface Refused {
  readonly that: string;
  readonly u: Document | Document[];
  readonly code: number;
  readonly statement?: Document;
}

const REFUSED: readonly Refused[] = [
  { that: 'increments a text', u: { $inc: { text: 1 } }, code: 14 },
  { that: 'increments by a text', u: { $inc: { n: 'x' } }, code: 14 },
  { that: 'pushes onto a number', u: { $push: { n: 1 } }, code: 2 },
  { that: 'goes through a number', u: { $set: { 'n.x': 1 } }, code: 28 },
  { that: 'changes the _id', u: { $set: { _id: 2 } }, code: 66 },
  { that: 'replaces the _id', u: { _id: 2, n: 1 }, code: 66 },
  { that: 'changes the _id by a pipeline', u: [{ $set: { _id: 2 } }], code: 66 },
  { that: 'writes one path twice', u: { $set: { n: 1 }, $unset: { n: 1 } }, code: 40 },
  { that: 'writes a path and one inside it', u: { $set: { in: {}, 'in.x': 1 } }, code: 40 },
  { that: 'has an operator that nobody knows', u: { $frobnicate: { n: 1 } }, code: 9 },
  { that: 'mixes operators and fields', u: { $set: { n: 1 }, n: 2 }, code: 9 },
  { that: 'has an expression that nobody knows', u: [{ $set: { n: { $frobnicate: 1 } } }], code: 168 },
  { that: 'has a pipeline stage that may not update', u: [{ $group: { _id: 1 } }], code: 72 },
  { that: 'replaces many', u: { n: 5 }, code: 9, statement: { multi: true } },
];

export function plainWrites({ open }: Servers): void {
  describe('writes', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(async () => {
      db = server.database();
      await db.insert('c', { _id: 1, n: 1, text: 'a', list: [1, 2, 3] });
    });

    it('an insert counts, and makes an _id in front where there is none', async () => {
      expect(succeeded(await db.run(insert('d', [{ a: 1 }, { a: 2 }])))).to.include({ n: 2 });

      const stored = await db.all('d');

      for (const document of stored) expect(Object.keys(document)).to.deep.equal(['_id', 'a']);
      expect(stored[0]!['_id']).to.be.instanceOf(ObjectId);
    });

    it('an insert puts the _id in front', async () => {
      await db.insert('d', { a: 1, _id: 5 });

      expect(Object.keys((await db.one('d', 5))!)).to.deep.equal(['_id', 'a']);
    });

    it('an ordered batch ends at its first error, another goes on', async () => {
      const batch = [{ _id: 2 }, { _id: 1 }, { _id: 3 }];

      const ordered = await db.run(insert('c', batch));
      const unordered = await db.run(insert('c', batch, { ordered: false }));

      expect(ordered).to.include({ ok: 1, n: 1 });
      expect(writeErrorOf(ordered)).to.deep.include({ index: 1, code: 11_000, keyPattern: { _id: 1 }, keyValue: { _id: 1 } });
      expect(writeErrorOf(ordered)['errmsg'])
        .to.include('E11000 duplicate key error')
        .and.to.include(`${db.name}.c`)
        .and.to.include('_id_');
      expect(unordered).to.include({ ok: 1, n: 1 });
      expect((unordered['writeErrors'] as Document[]).map(({ index }) => index as number)).to.deep.equal([0, 1]);
      expect((await db.all('c')).map(({ _id }) => _id as number)).to.deep.equal([1, 2, 3]);
    });

    it('an update counts what it matched and what it changed', async () => {
      await db.insert('c', { _id: 2, n: 5 });

      const one = succeeded(await db.run(update('c', {}, { $set: { n: 5 } })));
      const many = succeeded(await db.run(update('c', {}, { $set: { n: 5, m: 1 } }, { multi: true })));
      const same = succeeded(await db.run(update('c', {}, { $set: { n: 5, m: 1 } }, { multi: true })));
      const none = succeeded(await db.run(update('c', { _id: 9 }, { $set: { n: 5 } })));
      const samePipeline = succeeded(await db.run(update('c', { _id: 2 }, [{ $set: { n: 5 } }])));

      expect([one, many, same, none, samePipeline].map(({ n, nModified }) => [n, nModified] as unknown[])).to.deep.equal([
        [1, 1],
        [2, 2],
        [2, 0],
        [0, 0],
        [1, 0],
      ]);
      expect(none).to.not.have.property('upserted');
    });

    it('an upsert tells what it made, by the fields of its filter', async () => {
      const reply = succeeded(await db.run(upsert('d', { _id: 7, kind: 'x', n: { $gt: 3 } }, { $set: { a: 1 }, $setOnInsert: { b: 2 } })));
      const again = succeeded(await db.run(upsert('d', { _id: 7 }, { $set: { a: 1 }, $setOnInsert: { b: 3 } })));
      const made = succeeded(await db.run(upsert('d', { kind: 'y' }, { $inc: { n: 1 } })));

      expect(reply).to.deep.include({ n: 1, nModified: 0, upserted: [{ index: 0, _id: 7 }] });
      expect(again).to.deep.include({ n: 1, nModified: 0 }).and.not.have.property('upserted');
      expect((made['upserted'] as [Document])[0]['_id']).to.be.instanceOf(ObjectId);
      expect(await db.one('d', 7)).to.deep.equal({ _id: 7, kind: 'x', a: 1, b: 2 });
    });

    it('an upsert by a pipeline sees the fields of its filter', async () => {
      const reply = succeeded(
        await db.run(upsert('d', { _id: 7, kind: 'x' }, [{ $set: { n: { $add: [{ $ifNull: ['$n', 0] }, 1] }, of: '$kind' } }])),
      );

      expect(reply).to.deep.include({ n: 1, nModified: 0, upserted: [{ index: 0, _id: 7 }] });
      expect(await db.one('d', 7)).to.deep.equal({ _id: 7, kind: 'x', n: 1, of: 'x' });
    });

    it('several updates in one command go one after the other', async () => {
      const updates = [
        { q: { _id: 1 }, u: { $inc: { n: 1 } } },
        { q: { n: 2 }, u: { $mul: { n: 10 } } },
        { q: { _id: 8 }, u: { $set: { n: 0 } }, upsert: true },
        { q: { n: { $gte: 0 } }, u: { $inc: { n: 1 } }, multi: true },
      ];

      const reply = succeeded(await db.run({ update: 'c', updates }));

      expect(reply).to.deep.include({ n: 5, nModified: 4, upserted: [{ index: 2, _id: 8 }] });
      expect((await db.all('c')).map(({ n }) => n as number)).to.deep.equal([21, 1]);
    });

    it('a replacement keeps the _id and nothing else', async () => {
      succeeded(await db.run(update('c', { _id: 1 }, { other: true })));

      expect(await db.one('c', 1)).to.deep.equal({ _id: 1, other: true });
    });

    it('arrays are reached by position, by all and by filters', async () => {
      succeeded(await db.run(update('c', { list: 2 }, { $set: { 'list.$': 20 } })));
      succeeded(await db.run(update('c', {}, { $inc: { 'list.$[]': 1 } })));
      succeeded(await db.run(update('c', {}, { $set: { 'list.$[big]': 0 } }, { arrayFilters: [{ big: { $gt: 20 } }] })));
      succeeded(await db.run(update('c', {}, { $push: { list: { $each: [9, 8], $position: 0, $slice: 4 } } })));

      expect((await db.one('c', 1))!['list']).to.deep.equal([9, 8, 2, 0]);
    });

    it('numbers keep their type through $inc, and grow when they must', async () => {
      await db.insert('d', { _id: 1, int: 2_147_483_647, long: 5n, double: 0.5 });
      const exact = await server.connection({ promoteValues: false });
      await exact.run(db.name, update('d', { _id: 1 }, { $inc: { int: 1, long: 1, double: 1 } }));

      const reply = await exact.run(db.name, find('d'));

      const [stored] = (reply['cursor'] as { firstBatch: Document[] }).firstBatch as [Document];
      const types = ['int', 'long', 'double'].map((field) => (stored[field] as { _bsontype: string })._bsontype);
      expect(types).to.deep.equal(['Long', 'Long', 'Double']);
      expect(String(stored['int'])).to.equal('2147483648');
    });

    it('a delete takes one or all', async () => {
      await db.insert('c', { _id: 2 }, { _id: 3 }, { _id: 4 });

      expect(succeeded(await db.run(remove('c', { _id: { $gt: 1 } })))).to.include({ n: 1 });
      expect(succeeded(await db.run(remove('c', {}, 0)))).to.include({ n: 3 });
      expect(succeeded(await db.run(remove('c', {}, 0)))).to.include({ n: 0 });
    });

    it('findAndModify gives the old or the new document, the part that is asked for, of the first by its order', async () => {
      await db.insert('c', { _id: 2, n: 2 });
      const run = async (more: Document, query: Document = {}): Promise<Document> =>
        succeeded(await db.run(findAndModify('c', query, more)));

      const old = await run({ update: { $inc: { n: 10 } }, sort: { n: -1 } });
      const fresh = await run({
        update: [{ $set: { n: { $multiply: ['$n', 2] } } }],
        new: true,
        sort: { n: -1 },
        fields: { _id: 0, n: 1 },
      });
      const none = await run({ update: { $set: { x: 1 } } }, { _id: 77 });
      const upserted = await run({ update: { $set: { n: 5 } }, upsert: true }, { _id: 5 });
      const removed = await run({ remove: true, sort: { _id: -1 } });

      expect(old).to.deep.include({ value: { _id: 2, n: 2 }, lastErrorObject: { n: 1, updatedExisting: true } });
      expect(fresh['value']).to.deep.equal({ n: 24 });
      expect(none).to.deep.include({ value: null, lastErrorObject: { n: 0, updatedExisting: false } });
      expect(upserted).to.deep.include({ value: null, lastErrorObject: { n: 1, updatedExisting: false, upserted: 5 } });
      expect(removed).to.deep.include({ value: { _id: 5, n: 5 }, lastErrorObject: { n: 1 } });
    });

    for (const { that, u, code, statement = {} } of REFUSED) {
      it(`an update is refused with ${code} when it ${that}, and changes nothing`, async () => {
        const before = await db.all('c');

        const reply = await db.run(update('c', { _id: 1 }, u, statement));

        expect(writeErrorOf(reply)).to.include({ index: 0, code });
        expect(await db.all('c')).to.deep.equal(before);
      });
    }

    it('names the stage that nobody knows, or that may not update', async () => {
      const unknown = writeErrorOf(await db.run(update('c', {}, [{ $frobnicate: {} }])));

      expect([72, 40_324]).to.include(unknown['code']);
      expect(unknown['errmsg']).to.include('$frobnicate');
    });

    it('names the operator that nobody knows', async () => {
      const update1 = writeErrorOf(await db.run(update('c', {}, { $frobnicate: { n: 1 } })));
      const query = await db.run(find('c', { n: { $frobnicate: 1 } }));
      const top = await db.run(find('c', { $frobnicate: 1 }));
      const stage = await db.run({ aggregate: 'c', pipeline: [{ $frobnicate: 1 }], cursor: {} });
      const expression = await db.run({ aggregate: 'c', pipeline: [{ $project: { x: { $frobnicate: 1 } } }], cursor: {} });

      expect([query, top, stage, expression].map((reply) => failureOf(reply).code)).to.deep.equal([2, 2, 40_324, 31_325]);
      for (const { errmsg } of [update1, query, top, stage, expression]) expect(errmsg).to.include('$frobnicate');
    });

    it('a write concern may be majority, journalled or one', async () => {
      for (const writeConcern of [{ w: 'majority' }, { w: 1, j: true }, { w: 'majority', wtimeout: 1_000 }])
        succeeded(await db.run(update('c', { _id: 1 }, { $inc: { n: 1 } }, {}, { writeConcern })));

      expect((await db.one('c', 1))!['n']).to.equal(4);
    });

    it('variables of the command are seen by filter and pipeline', async () => {
      const updates = [{ q: { $expr: { $eq: ['$_id', '$$id'] } }, u: [{ $set: { n: '$$n' } }] }];

      succeeded(await db.run({ update: 'c', updates, let: { id: 1, n: 42 } }));

      expect((await db.one('c', 1))!['n']).to.equal(42);
    });

    it('every command takes what drivers and tools add', async () => {
      const added = {
        comment: 'why',
        maxTimeMS: 5_000,
        $readPreference: { mode: 'primary' },
        apiVersion: '1',
        lsid: db.session().lsid,
        $clusterTime: (await db.run({ ping: 1 }))['$clusterTime'] as Document,
      };
      const commands: Document[] = [
        insert('c', [{ _id: 2 }], { ordered: true, bypassDocumentValidation: true }),
        update('c', { _id: 2 }, { $set: { n: 1 } }, { hint: { _id: 1 } }),
        { delete: 'c', deletes: [{ q: { _id: 2 }, limit: 1, hint: '_id_' }] },
        find('c', {}, { hint: { _id: 1 }, allowDiskUse: true, noCursorTimeout: true, readConcern: { level: 'majority' } }),
        findAndModify('c', { _id: 1 }, { update: { $set: { n: 2 } }, hint: '_id_', bypassDocumentValidation: true }),
        aggregate('c', [{ $match: { n: 2 } }], { hint: '_id_', allowDiskUse: true, readConcern: { level: 'majority' } }),
        { count: 'c', query: { n: 2 }, hint: '_id_', limit: 5, skip: 0 },
        { createIndexes: 'c', indexes: [{ key: { n: 1 }, name: 'n' }], writeConcern: { w: 'majority' } },
        { listIndexes: 'c', cursor: { batchSize: 10 } },
        { dropIndexes: 'c', index: 'n', writeConcern: { w: 'majority' } },
        { listCollections: 1, filter: { name: 'c' }, nameOnly: true, authorizedCollections: true, cursor: {} },
        { create: 'd', writeConcern: { w: 'majority' } },
        { drop: 'd', writeConcern: { w: 'majority' } },
        { ping: 1 },
      ];

      for (const command of commands) succeeded(await db.run({ ...command, ...added }));
    });

    it('a field that no server knows is refused by its name: 40415', async () => {
      const misspelt: [string, Document][] = [
        ['document', { insert: 'c', document: [{ _id: 5 }] }],
        ['upserted', update('c', { _id: 5 }, { $set: { n: 1 } }, { upserted: true })],
        ['arrayFilter', update('c', { _id: 1 }, { $set: { n: 9 } }, { arrayFilter: [] })],
        ['sorted', find('c', {}, { sorted: { _id: 1 } })],
        ['returnNew', findAndModify('c', { _id: 1 }, { update: { $set: { n: 9 } }, returnNew: true })],
        ['updates', { insert: 'c', documents: [{ _id: 5 }], updates: [] }],
      ];

      for (const [field, command] of misspelt) {
        const refused = await db.run(command);
        expect(failureOf(refused).code).to.equal(40_415);
        expect(refused['errmsg']).to.include(field);
      }
      expect((await db.all('c')).map(({ _id, n }) => [_id, n] as unknown[])).to.deep.equal([[1, 1]]);
    });

    it('a collation, which would change what is equal, is refused or obeyed, never passed over', async () => {
      const found = await db.run(find('c', { text: 'A' }, { collation: { locale: 'en', strength: 2 } }));

      if (found['ok'] === 1) expect(documentsOf(found)).to.have.length(1);
      else expect(found['errmsg']).to.include('collation');
    });

    it('find orders, skips, limits and projects; a missing collection is empty', async () => {
      await db.insert('d', ...[5, 3, 1, 4, 2].map((n) => ({ _id: n, n, in: { a: n, b: -n } })));

      const page = documentsOf(
        await db.run(find('d', { n: { $gt: 1 } }, { sort: { n: -1 }, skip: 1, limit: 2, projection: { 'in.a': 1, _id: 0 } })),
      );
      const missing = documentsOf(await db.run(find('nothing')));

      expect(page).to.deep.equal([{ in: { a: 4 } }, { in: { a: 3 } }]);
      expect(missing).to.deep.equal([]);
    });

    it('a filter compares numbers across types, and null with missing', async () => {
      await db.insert('d', { _id: 1, n: 5 }, { _id: 2, n: 5n }, { _id: 3, n: 5.5 }, { _id: 4, n: null }, { _id: 5 }, { _id: 6, n: '5' });

      const ids = async (filter: Document): Promise<unknown[]> => (await db.all('d', filter)).map(({ _id }) => _id as unknown);

      expect(await ids({ n: 5 })).to.deep.equal([1, 2]);
      expect(await ids({ n: { $gte: 5n } })).to.deep.equal([1, 2, 3]);
      expect(await ids({ n: null })).to.deep.equal([4, 5]);
      expect(await ids({ n: { $exists: false } })).to.deep.equal([5]);
      expect(await ids({ n: { $in: ['5', 5.5] } })).to.deep.equal([3, 6]);
    });

    it('an _id may be any value but an array, and 1 is 1 in every type', async () => {
      const day = new Date(0);
      await db.insert('d', { _id: 'a' }, { _id: day }, { _id: { a: 1, b: 2 } }, { _id: { b: 2, a: 1 } }, { _id: null });

      expect([2, 53]).to.include(writeErrorOf(await db.run(insert('d', [{ _id: [1] }])))['code']);
      expect(writeErrorOf(await db.run(insert('c', [{ _id: 1n }])))).to.include({ code: 11_000 });
      expect(await db.all('d', { _id: { a: 1, b: 2 } })).to.have.length(1);
      expect(await db.all('d', { _id: day })).to.have.length(1);
    });
  });
}
