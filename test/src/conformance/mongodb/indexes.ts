import type { Document } from 'bson';
import { expect } from 'chai';
import fc from 'fast-check';
import { after, before, beforeEach, describe, it } from 'mocha';
import { find, findAndModify, insert, remove, uniqueIndex, update, upsert } from './commands.js';
import { documentsOf, failureOf, succeeded, writeErrorOf } from './replies.js';
import type { Servers, ServerUnderTest } from './server-under-test.js';
import type { TestDatabase } from './test-database.js';
import { WatchedStream } from './watched-stream.js';

export function indexes({ open, itOnEmulator }: Servers): void {
  describe('indexes', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;

    const create = (...specs: Document[]): Promise<Document> => db.run({ createIndexes: 'c', indexes: specs });
    const listed = async (): Promise<Document[]> => documentsOf(await db.run({ listIndexes: 'c' }));
    const isDuplicate = (reply: Document, keyPattern: Document, keyValue: Document): void => {
      expect(writeErrorOf(reply)).to.deep.include({ index: 0, code: 11_000, keyPattern, keyValue });
    };

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(() => {
      db = server.database();
    });

    it('are listed as they were made, that of _id first', async () => {
      succeeded(
        await create(
          { key: { a: 1 }, name: 'a', unique: true },
          { key: { b: -1, 'c.d': 1 }, name: 'b', partialFilterExpression: { state: 'open' } },
          { key: { at: 1 }, name: 'ttl', expireAfterSeconds: 3_600 },
        ),
      );

      expect(await listed()).to.deep.equal([
        { v: 2, key: { _id: 1 }, name: '_id_' },
        { v: 2, key: { a: 1 }, name: 'a', unique: true },
        { v: 2, key: { b: -1, 'c.d': 1 }, name: 'b', partialFilterExpression: { state: 'open' } },
        { v: 2, key: { at: 1 }, name: 'ttl', expireAfterSeconds: 3_600 },
      ]);
    });

    it('are counted before and after; one that is there already is no news', async () => {
      const first = succeeded(await create({ key: { a: 1 }, name: 'a' }));
      const again = succeeded(await create({ key: { a: 1 }, name: 'a' }));

      expect(first).to.include({ numIndexesBefore: 1, numIndexesAfter: 2, createdCollectionAutomatically: true });
      expect(again).to.include({ numIndexesBefore: 2, numIndexesAfter: 2 });
      expect(again['note']).to.equal('all indexes already exist');
    });

    it('of one name cannot be two: 86', async () => {
      succeeded(await create({ key: { a: 1 }, name: 'a' }));

      expect(failureOf(await create({ key: { b: 1 }, name: 'a' }))).to.deep.equal({
        code: 86,
        codeName: 'IndexKeySpecsConflict',
        labels: [],
      });
      // Whether an index is unique is part of its key since 5.0; before, it was an option.
      expect([85, 86]).to.include(failureOf(await create({ key: { a: 1 }, name: 'a', unique: true })).code);
    });

    it('of one key cannot have two names or two sets of options: 85', async () => {
      succeeded(await create({ key: { a: 1 }, name: 'a' }, { key: { b: 1 }, name: 'b', expireAfterSeconds: 5 }));

      expect(failureOf(await create({ key: { a: 1 }, name: 'other' }))).to.deep.equal({
        code: 85,
        codeName: 'IndexOptionsConflict',
        labels: [],
      });
      expect(failureOf(await create({ key: { b: 1 }, name: 'b', expireAfterSeconds: 6 })).code).to.equal(85);
      expect(await listed()).to.have.length(3);
    });

    it('cannot be unique over duplicates: 11000, and nothing is made', async () => {
      await db.insert('c', { _id: 1, a: 1 }, { _id: 2, a: 1 });

      const refused = await create({ key: { a: 1 }, name: 'a', unique: true });

      expect(failureOf(refused)).to.deep.equal({ code: 11_000, codeName: 'DuplicateKey', labels: [] });
      expect(refused).to.deep.include({ keyPattern: { a: 1 }, keyValue: { a: 1 } });
      expect(await listed()).to.have.length(1);
      await db.insert('c', { _id: 3, a: 1 });
    });

    it('can be dropped by name, by key and all together, but that of _id', async () => {
      succeeded(await create({ key: { a: 1 }, name: 'a', unique: true }, { key: { b: 1 }, name: 'b' }, { key: { c: 1 }, name: 'c' }));
      await db.insert('c', { _id: 1, a: 1 });

      expect(succeeded(await db.run({ dropIndexes: 'c', index: 'a' }))).to.include({ nIndexesWas: 4 });
      await db.insert('c', { _id: 2, a: 1 });
      succeeded(await db.run({ dropIndexes: 'c', index: { b: 1 } }));
      expect(failureOf(await db.run({ dropIndexes: 'c', index: 'b' }))).to.include({ code: 27, codeName: 'IndexNotFound' });
      expect(failureOf(await db.run({ dropIndexes: 'c', index: '_id_' })).code).to.equal(72);
      succeeded(await db.run({ dropIndexes: 'c', index: '*' }));
      expect((await listed()).map(({ name }) => name as string)).to.deep.equal(['_id_']);
    });

    it('of a collection that is not there are not listed: 26', async () => {
      expect(failureOf(await db.run({ listIndexes: 'nothing' }))).to.include({ code: 26, codeName: 'NamespaceNotFound' });
    });

    it('that are unique refuse a second in every way of writing', async () => {
      succeeded(await db.run(uniqueIndex('c', { a: 1 })));
      await db.insert('c', { _id: 1, a: 1 }, { _id: 2, a: 2 });

      isDuplicate(await db.run(insert('c', [{ _id: 3, a: 1 }])), { a: 1 }, { a: 1 });
      isDuplicate(await db.run(update('c', { _id: 2 }, { $set: { a: 1 } })), { a: 1 }, { a: 1 });
      isDuplicate(await db.run(update('c', { _id: 2 }, { a: 1 })), { a: 1 }, { a: 1 });
      isDuplicate(await db.run(update('c', { _id: 2 }, [{ $set: { a: { $subtract: ['$a', 1] } } }])), { a: 1 }, { a: 1 });
      isDuplicate(await db.run(upsert('c', { _id: 3 }, { $set: { a: 2 } })), { a: 1 }, { a: 2 });
      const modified = await db.run(findAndModify('c', { _id: 2 }, { update: { $set: { a: 1 } } }));
      expect(failureOf(modified)).to.deep.equal({ code: 11_000, codeName: 'DuplicateKey', labels: [] });
      expect(modified).to.deep.include({ keyPattern: { a: 1 }, keyValue: { a: 1 } });
      expect(await db.all('c')).to.deep.equal([
        { _id: 1, a: 1 },
        { _id: 2, a: 2 },
      ]);
    });

    it('that are unique let a key go with its document, or when the document leaves it', async () => {
      succeeded(await db.run(uniqueIndex('c', { a: 1 })));
      await db.insert('c', { _id: 1, a: 1 }, { _id: 2, a: 2 });
      succeeded(await db.run(remove('c', { _id: 1 })));
      succeeded(await db.run(update('c', { _id: 2 }, { $set: { a: 20 } })));

      await db.insert('c', { _id: 3, a: 1 }, { _id: 4, a: 2 });
      succeeded(await db.run(update('c', { _id: 2 }, { $set: { b: 1 } })));
    });

    it('that are unique compare numbers by value, and take missing for null', async () => {
      succeeded(await db.run(uniqueIndex('c', { a: 1 })));
      await db.insert('c', { _id: 1, a: 1 }, { _id: 2 });

      isDuplicate(await db.run(insert('c', [{ _id: 3, a: 1n }])), { a: 1 }, { a: 1n });
      isDuplicate(await db.run(insert('c', [{ _id: 3, a: null }])), { a: 1 }, { a: null });
      await db.insert('c', { _id: 4, a: '1' }, { _id: 5, a: 1.5 });
    });

    it('that are unique over several fields compare all of them', async () => {
      succeeded(await db.run(uniqueIndex('c', { a: 1, 'b.c': 1 })));
      await db.insert('c', { _id: 1, a: 1, b: { c: 1 } }, { _id: 2, a: 1, b: { c: 2 } }, { _id: 3, a: 2, b: { c: 1 } });

      isDuplicate(await db.run(insert('c', [{ _id: 4, a: 1, b: { c: 2 } }])), { a: 1, 'b.c': 1 }, { a: 1, 'b.c': 2 });
    });

    it('that are unique look into arrays: between documents, not inside one', async () => {
      succeeded(await db.run(uniqueIndex('c', { tags: 1 })));
      await db.insert('c', { _id: 1, tags: ['a', 'b', 'a'] });

      isDuplicate(await db.run(insert('c', [{ _id: 2, tags: ['c', 'b'] }])), { tags: 1 }, { tags: 'b' });
      await db.insert('c', { _id: 3, tags: ['c'] });
    });

    it('that are partial are unique among those that they hold', async () => {
      succeeded(await db.run(uniqueIndex('c', { a: 1 }, { partialFilterExpression: { state: 'open' } })));
      await db.insert('c', { _id: 1, a: 1, state: 'open' }, { _id: 2, a: 1, state: 'closed' }, { _id: 3, a: 1 });

      isDuplicate(await db.run(insert('c', [{ _id: 4, a: 1, state: 'open' }])), { a: 1 }, { a: 1 });
      isDuplicate(await db.run(update('c', { _id: 2 }, { $set: { state: 'open' } })), { a: 1 }, { a: 1 });
      succeeded(await db.run(update('c', { _id: 1 }, { $set: { state: 'closed' } })));
      succeeded(await db.run(update('c', { _id: 2 }, { $set: { state: 'open' } })));
    });

    it('that are partial find also what they do not hold', async () => {
      succeeded(await create({ key: { a: 1 }, name: 'a', partialFilterExpression: { state: 'open' } }));
      await db.insert('c', { _id: 1, a: 1, state: 'open' }, { _id: 2, a: 1, state: 'closed' }, { _id: 3, a: 1 });

      expect((await db.all('c', { a: 1 })).map(({ _id }) => _id as number)).to.deep.equal([1, 2, 3]);
      expect((await db.all('c', { a: 1, state: 'open' })).map(({ _id }) => _id as number)).to.deep.equal([1]);
    });

    it('go away with their collection', async () => {
      succeeded(await db.run(uniqueIndex('c', { a: 1 })));
      succeeded(await db.run({ drop: 'c' }));

      await db.insert('c', { _id: 1, a: 1 }, { _id: 2, a: 1 });
    });

    it('of many kinds are held up to date inside a transaction, and given up with it', async () => {
      succeeded(await db.run(uniqueIndex('c', { a: 1 })));
      await db.insert('c', { _id: 1, a: 1 });
      const [aborted, committed] = [db.transaction(), db.transaction()];
      succeeded(await aborted.run(update('c', { _id: 1 }, { $set: { a: 2 } })));
      succeeded(await aborted.run(insert('c', [{ _id: 2, a: 1 }])));
      succeeded(await aborted.abort());

      succeeded(await committed.run(update('c', { _id: 1 }, { $set: { a: 3 } })));
      succeeded(await committed.run(insert('c', [{ _id: 2, a: 1 }])));
      succeeded(await committed.commit());

      isDuplicate(await db.run(insert('c', [{ _id: 3, a: 3 }])), { a: 1 }, { a: 3 });
      isDuplicate(await db.run(insert('c', [{ _id: 3, a: 1 }])), { a: 1 }, { a: 1 });
      await db.insert('c', { _id: 3, a: 2 });
    });

    itOnEmulator('with an age limit delete what is older, and tell change streams', async () => {
      const hurried = await open({ ttlIntervalMs: 20 });
      const aging = hurried.database();
      succeeded(await aging.run({ createIndexes: 'c', indexes: [{ key: { at: 1 }, name: 'at', expireAfterSeconds: 60 }] }));
      const stream = await WatchedStream.open(hurried, { db: aging.name, pipeline: [{ $match: { operationType: 'delete' } }] });
      const [old, young] = [new Date(Date.now() - 61_000), new Date()];
      await aging.insert(
        'c',
        { _id: 1, at: old },
        { _id: 2, at: young },
        { _id: 3 },
        { _id: 4, at: 'no date' },
        { _id: 5, at: [young, old] },
      );

      const deleted = await stream.next(2);
      const left = await aging.all('c');
      await stream.close();
      await hurried.close();

      expect(deleted.map(({ documentKey }) => (documentKey as Document)['_id'] as number)).to.have.members([1, 5]);
      expect(left.map(({ _id }) => _id as number)).to.deep.equal([2, 3, 4]);
    });

    it('change nothing about what is found', async () => {
      const value = fc.oneof(
        fc.integer({ min: -3, max: 3 }),
        fc.constantFrom<unknown>(null, 'a', 'b', 1.5, true, undefined, [1, 2], [], { x: 1 }),
      );
      const documents = fc.array(fc.record({ a: value, b: value }), { minLength: 5, maxLength: 25 });
      const scalar = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom<unknown>(null, 'a', 1.5));
      const condition = fc.oneof(
        scalar,
        fc.record({ $in: fc.array(scalar, { maxLength: 3 }) }),
        fc.record({ $gte: scalar }),
        fc.record({ $gt: scalar, $lte: scalar }),
        fc.record({ $lt: scalar }),
        fc.record({ $exists: fc.boolean() }),
        fc.record({ $ne: scalar }),
      );
      const simple = fc.record({ a: condition, b: condition }, { requiredKeys: ['a'] });
      const filter = fc.oneof(simple, fc.record({ $or: fc.array(simple, { minLength: 1, maxLength: 3 }) }), fc.constant({}));
      const sort = fc.constantFrom<Document | undefined>(
        undefined,
        { a: 1, _id: 1 },
        { a: -1, _id: 1 },
        { a: 1, b: -1, _id: 1 },
        { b: -1, a: 1, _id: -1 },
      );
      let turn = 0;

      await fc.assert(
        fc.asyncProperty(
          documents,
          fc.array(fc.tuple(filter, sort, fc.integer({ min: 0, max: 6 })), { minLength: 6, maxLength: 6 }),
          async (stored, queries) => {
            const [plain, indexed] = [`plain-${turn}`, `indexed-${turn}`];
            turn += 1;
            succeeded(
              await db.run({
                createIndexes: indexed,
                indexes: [
                  { key: { a: 1 }, name: 'a' },
                  { key: { b: -1, a: 1 }, name: 'b' },
                ],
              }),
            );
            const numbered = stored.map((document, _id) => ({ _id, ...document }));
            for (const collection of [plain, indexed]) await db.insert(collection, ...numbered);

            for (const [query, order, limit] of queries) {
              const more = order ? { sort: order, limit } : { sort: { _id: 1 } };
              const [withoutIndex, withIndex] = [await db.run(find(plain, query, more)), await db.run(find(indexed, query, more))];
              expect(documentsOf(withIndex)).to.deep.equal(documentsOf(withoutIndex));
            }
          },
        ),
        { numRuns: 40 },
      );
    });
  });

  describe('cursors', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;

    const more = (id: bigint, fields: Document = {}): Promise<Document> => db.run({ getMore: id, collection: 'c', ...fields });
    const cursorOf = (reply: Document): { id: bigint; ns: string; firstBatch?: Document[]; nextBatch?: Document[] } =>
      succeeded(reply)['cursor'] as never;

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(async () => {
      db = server.database();
      await db.insert('c', ...Array.from({ length: 250 }, (_, _id) => ({ _id })));
    });

    it('give 101 documents first when nothing else is asked for, and then the rest', async () => {
      const first = cursorOf(await db.run(find('c')));
      const rest = cursorOf(await more(first.id));

      expect([first.firstBatch!.length, rest.nextBatch!.length]).to.deep.equal([101, 149]);
      expect([first.ns, rest.ns, rest.id]).to.deep.equal([`${db.name}.c`, `${db.name}.c`, 0n]);
    });

    it('give batches of the size that is asked for, each document once and in order', async () => {
      const opened = cursorOf(await db.run(find('c', {}, { batchSize: 0, sort: { _id: -1 } })));
      const found: number[] = [];
      let { id } = opened;
      for (; id !== 0n;) {
        const { id: next, nextBatch } = cursorOf(await more(id, { batchSize: 60 }));
        expect(nextBatch!.length).to.be.at.most(60);
        found.push(...nextBatch!.map(({ _id }) => _id as number));
        id = next;
      }

      expect(opened.firstBatch).to.deep.equal([]);
      expect(found).to.deep.equal(Array.from({ length: 250 }, (_, index) => 249 - index));
    });

    it('end with one batch when that is asked for, or when the limit is reached', async () => {
      expect(cursorOf(await db.run(find('c', {}, { limit: 1, singleBatch: true })))).to.deep.include({ id: 0n });
      expect(cursorOf(await db.run(find('c', {}, { batchSize: 5, singleBatch: true })))).to.deep.include({ id: 0n });
      const limited = cursorOf(await db.run(find('c', {}, { limit: 5, batchSize: 3 })));
      expect(cursorOf(await more(limited.id)).nextBatch).to.have.length(2);
    });

    it('can be closed early: the next request for more gets 43', async () => {
      const { id } = cursorOf(await db.run(find('c')));

      const killed = succeeded(await db.run({ killCursors: 'c', cursors: [id, 99n] }));

      expect(killed).to.deep.include({ cursorsKilled: [id], cursorsNotFound: [99n], cursorsAlive: [], cursorsUnknown: [] });
      expect(failureOf(await more(id))).to.deep.equal({ code: 43, codeName: 'CursorNotFound', labels: [] });
    });

    it('are gone when they have given everything', async () => {
      const { id } = cursorOf(await db.run(find('c')));
      cursorOf(await more(id));

      expect(failureOf(await more(id)).code).to.equal(43);
    });

    it('of an aggregation are the same', async () => {
      const opened = cursorOf(
        await db.run({ aggregate: 'c', pipeline: [{ $match: { _id: { $gte: 10 } } }, { $sort: { _id: 1 } }], cursor: { batchSize: 100 } }),
      );
      const rest = cursorOf(await more(opened.id));

      expect([opened.firstBatch!.length, rest.nextBatch!.length, rest.nextBatch![0]!['_id']]).to.deep.equal([100, 140, 110]);
    });

    it('of a transaction go with it', async () => {
      const transaction = db.transaction();
      const { id } = cursorOf(await transaction.run(find('c')));
      succeeded(await transaction.commit());

      expect((await transaction.session.run({ getMore: id, collection: 'c' }))['ok']).to.equal(0);
    });

    it('belong to their session', async () => {
      const [owner, stranger] = [db.session(), db.session()];
      const { id } = cursorOf(await owner.run(find('c')));

      expect((await stranger.run({ getMore: id, collection: 'c' }))['ok']).to.equal(0);
      expect(cursorOf(await owner.run({ getMore: id, collection: 'c' })).nextBatch).to.have.length(149);
    });

    it('belong to their collection', async () => {
      const { id } = cursorOf(await db.run(find('c')));

      expect(failureOf(await db.run({ getMore: id, collection: 'd' })).code).to.equal(13);
    });

    it('see a collection that is written to meanwhile without giving a document twice', async () => {
      const opened = cursorOf(await db.run(find('c', {}, { batchSize: 10, sort: { _id: 1 } })));
      succeeded(await db.run(update('c', {}, { $set: { touched: true } }, { multi: true })));
      succeeded(await db.run(remove('c', { _id: { $gte: 240 } }, 0)));

      const rest = cursorOf(await more(opened.id));

      const ids = [...opened.firstBatch!, ...rest.nextBatch!].map(({ _id }) => _id as number);
      expect(new Set(ids).size).to.equal(ids.length);
      expect(ids.slice(0, 240)).to.deep.equal(Array.from({ length: 240 }, (_, index) => index));
    });
  });

  describe('databases and collections', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;

    const collections = async (more: Document = {}): Promise<Document[]> =>
      documentsOf(await db.run({ listCollections: 1, ...more })).sort((a, b) => ((a['name'] as string) < (b['name'] as string) ? -1 : 1));

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(async () => {
      db = server.database();
      await db.create('a', 'b');
    });

    it('are made by their first document or by a command', async () => {
      await db.insert('c', { _id: 1 });

      expect((await collections()).map(({ name, type }) => [name, type] as unknown[])).to.deep.equal([
        ['a', 'collection'],
        ['b', 'collection'],
        ['c', 'collection'],
      ]);
      const again = await db.run({ create: 'a' }); // newer servers take it for done
      if (again['ok'] === 0) expect(failureOf(again)).to.include({ code: 48, codeName: 'NamespaceExists' });
    });

    it('have an id that a new one of the same name does not share', async () => {
      const [first] = await collections({ filter: { name: 'a' } });
      succeeded(await db.run({ drop: 'a' }));
      succeeded(await db.run({ create: 'a' }));
      const [second] = await collections({ filter: { name: 'a' } });

      const [one, other] = [first, second].map((collection) => String((collection!['info'] as Document)['uuid']));
      expect(one)
        .to.match(/^[0-9a-f-]{36}$/)
        .and.not.equal(other);
    });

    it('are listed by name alone when that is asked for', async () => {
      expect(await collections({ nameOnly: true })).to.deep.equal([
        { name: 'a', type: 'collection' },
        { name: 'b', type: 'collection' },
      ]);
    });

    it('are dropped; what is not there too', async () => {
      expect(succeeded(await db.run({ drop: 'a' }))).to.deep.include({ ns: `${db.name}.a`, nIndexesWas: 1 });
      const missing = await db.run({ drop: 'a' });

      if (missing['ok'] === 0) expect(failureOf(missing).code).to.equal(26);
      expect((await collections()).map(({ name }) => name as string)).to.deep.equal(['b']);
    });

    it('are gone with their database', async () => {
      await db.insert('a', { _id: 1 });
      const names = async (): Promise<string[]> =>
        (succeeded(await db.admin({ listDatabases: 1, nameOnly: true }))['databases'] as { name: string }[]).map(({ name }) => name);
      expect(await names()).to.include(db.name);

      expect(succeeded(await db.run({ dropDatabase: 1 }))).to.include({ dropped: db.name });

      expect(await names()).to.not.include(db.name);
      expect(await collections()).to.deep.equal([]);
      expect(await db.all('a')).to.deep.equal([]);
    });
  });
}
