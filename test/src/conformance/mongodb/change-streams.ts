import type { Document, Timestamp } from 'bson';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { aggregate, find, insert, remove, update } from './commands.js';
import { documentsOf, failureOf, succeeded } from './replies.js';
import type { Servers, ServerUnderTest } from './server-under-test.js';
import { stillWaits } from './settled.js';
import type { TestDatabase } from './test-database.js';
import { WatchedStream } from './watched-stream.js';

export function changeStreams({ open, itOnEmulator }: Servers): void {
  describe('change streams', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;
    const opened: WatchedStream[] = [];

    const watch = async (
      options: { collection?: string; stage?: Document; pipeline?: Document[]; batchSize?: number } = {},
    ): Promise<WatchedStream> => {
      const stream = await WatchedStream.open(server, { db: db.name, ...options });
      opened.push(stream);
      return stream;
    };
    const keys = (events: readonly Document[]): unknown[] => events.map(({ documentKey }) => (documentKey as Document)['_id'] as unknown);
    const commit = async (...ids: unknown[]): Promise<void> => {
      const transaction = db.transaction();
      for (const _id of ids) succeeded(await transaction.run(insert('c', [{ _id }])));
      succeeded(await transaction.commit());
    };

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(async () => {
      db = server.database();
      await db.create('c');
    });
    afterEach(async () => {
      for (const stream of opened.splice(0)) await stream.close();
    });

    it('begin empty, with a token', async () => {
      await db.insert('c', { _id: 'earlier' });

      const stream = await watch({ collection: 'c' });

      const { id, firstBatch, ns, postBatchResumeToken } = stream.opening['cursor'] as Document;
      expect([firstBatch, ns]).to.deep.equal([[], `${db.name}.c`]);
      expect(id === 0n).to.equal(false);
      expect((postBatchResumeToken as Document)['_data']).to.be.a('string');
    });

    it('tell of inserts, updates, replacements and deletes in order, in full', async () => {
      const stream = await watch({ collection: 'c' });
      await db.insert('c', { _id: 1, a: 1, gone: true });
      succeeded(await db.run(update('c', { _id: 1 }, { $set: { a: 2, 'b.c': 3 }, $unset: { gone: 1 } })));
      succeeded(await db.run(update('c', { _id: 1 }, { replaced: true })));
      succeeded(await db.run(remove('c', { _id: 1 })));

      const events = await stream.next(4);

      for (const event of events) {
        expect(event['ns']).to.deep.equal({ db: db.name, coll: 'c' });
        expect(event['documentKey']).to.deep.equal({ _id: 1 });
        expect(event['clusterTime']).to.have.property('_bsontype', 'Timestamp');
        expect(event['wallTime']).to.be.instanceOf(Date);
        expect((event['_id'] as Document)['_data']).to.be.a('string');
      }
      const [inserted, updated, replaced, deleted] = events;
      expect(inserted).to.deep.include({ operationType: 'insert', fullDocument: { _id: 1, a: 1, gone: true } });
      expect(updated).to.include({ operationType: 'update' }).and.not.have.property('fullDocument');
      expect(updated!['updateDescription']).to.deep.include({ updatedFields: { a: 2, b: { c: 3 } }, removedFields: ['gone'] });
      expect(replaced).to.deep.include({ operationType: 'replace', fullDocument: { _id: 1, replaced: true } });
      expect(deleted).to.include({ operationType: 'delete' }).and.not.have.property('fullDocument');
    });

    it('tell of no write that changed nothing', async () => {
      await db.insert('c', { _id: 1, a: 1 });
      const stream = await watch();
      succeeded(await db.run(update('c', { _id: 1 }, { $set: { a: 1 } })));
      succeeded(await db.run(update('c', { _id: 9 }, { $set: { a: 1 } })));
      succeeded(await db.run(remove('c', { _id: 9 })));
      await db.insert('c', { _id: 'marker' });

      expect(keys(await stream.next(1))).to.deep.equal(['marker']);
    });

    it('of a collection tell of no other; of a database of all in it; of the server of all', async () => {
      const elsewhere = server.database();
      const collection = await watch({ collection: 'c' });
      const database = await watch();
      const cluster = await WatchedStream.open(server, { db: 'admin', stage: { allChangesForCluster: true } });
      opened.push(cluster);

      await elsewhere.insert('c', { _id: 'elsewhere' });
      await db.insert('d', { _id: 'd' });
      await db.insert('c', { _id: 'c' });

      expect(keys(await collection.next(1))).to.deep.equal(['c']);
      expect(keys(await database.next(2))).to.deep.equal(['d', 'c']);
      expect(keys(await cluster.next(3))).to.deep.equal(['elsewhere', 'd', 'c']);
    });

    it('may be opened before there is a database', async () => {
      const later = server.database();
      const stream = await WatchedStream.open(server, { db: later.name, collection: 'c' });
      opened.push(stream);

      await later.insert('c', { _id: 1 });

      expect(keys(await stream.next(1))).to.deep.equal([1]);
    });

    it('look the document up when asked to, as it is then', async () => {
      const stream = await watch({ stage: { fullDocument: 'updateLookup' } });
      await db.insert('c', { _id: 1, n: 1 });
      succeeded(await db.run(update('c', { _id: 1 }, { $inc: { n: 1 } })));
      succeeded(await db.run(update('c', { _id: 1 }, { $inc: { n: 1 } })));

      const [, first] = await stream.next(3);

      expect(first!['fullDocument']).to.deep.equal({ _id: 1, n: 3 });
    });

    it('go through a pipeline', async () => {
      const stream = await watch({
        pipeline: [{ $match: { operationType: 'insert', 'fullDocument.n': { $gt: 1 } } }, { $project: { 'fullDocument.n': 1 } }],
      });
      await db.insert('c', { _id: 1, n: 1 }, { _id: 2, n: 2 }, { _id: 3, n: 3 });

      const events = await stream.next(2);

      expect(events.map(({ fullDocument }) => fullDocument as Document)).to.deep.equal([{ n: 2 }, { n: 3 }]);
      expect(Object.keys(events[0]!).sort()).to.deep.equal(['_id', 'fullDocument']);
    });

    it('end when a pipeline takes their token away: 280', async () => {
      const stream = await watch({ pipeline: [{ $project: { _id: 0 } }] });
      await db.insert('c', { _id: 1 });

      const failure = failureOf(await stream.more());

      expect(failure).to.deep.equal({ code: 280, codeName: 'ChangeStreamFatalError', labels: ['NonResumableChangeStreamError'] });
    });

    it('wait for an event, and come back with it at once', async () => {
      const stream = await watch();
      const waiting = stream.more(4_000);
      expect(await stillWaits(waiting)).to.equal(true);
      const began = performance.now();

      await db.insert('c', { _id: 1 });
      succeeded(await waiting);

      expect(performance.now() - began).to.be.below(1_000);
      expect(keys(await stream.next(1))).to.deep.equal([1]);
    });

    it('come back empty when the time is over, with a token behind all that others did meanwhile', async () => {
      const stream = await watch({ collection: 'c' });
      const before = stream.token;
      await db.insert('d', { _id: 1 });
      const began = performance.now();

      const reply = await stream.more(80);

      expect(documentsOf(reply)).to.deep.equal([]);
      expect(performance.now() - began).to.be.within(70, 1_500);
      expect(stream.token).to.not.deep.equal(before);
    });

    it('give as many events as are asked for', async () => {
      const stream = await watch();
      await db.insert('c', ...[1, 2, 3].map((_id) => ({ _id })));

      const first = documentsOf(await stream.more(500, { batchSize: 2 }));
      const second = documentsOf(await stream.more(500, { batchSize: 2 }));

      expect([keys(first), keys(second)]).to.deep.equal([[1, 2], [3]]);
    });

    for (const way of ['resumeAfter', 'startAfter'] as const) {
      it(`go on behind any event, those of one commit included: ${way}`, async () => {
        const stream = await watch();
        await db.insert('c', { _id: 1 });
        await commit(2, 3, 4);
        await db.insert('c', { _id: 5 });
        const events = await stream.next(5);

        expect(new Set(events.map(({ _id }) => (_id as { _data: string })._data)).size).to.equal(5);
        for (const [index, event] of events.entries()) {
          const resumed = await watch({ stage: { [way]: event['_id'] as Document } });
          await resumed.more(10);
          expect(keys(await resumed.rest())).to.deep.equal([1, 2, 3, 4, 5].slice(index + 1));
          await resumed.close();
        }
      });
    }

    it('go on behind the token of an empty batch', async () => {
      const stream = await watch();
      await db.insert('c', { _id: 1 });
      await stream.next(1);
      await stream.more(20);
      await db.insert('c', { _id: 2 });

      const resumed = await watch({ stage: { resumeAfter: stream.token } });

      expect(keys(await resumed.rest())).to.deep.equal([2]);
    });

    it('go on behind the token of the opening, before anything has happened', async () => {
      const stream = await watch();
      await commit(1, 2);

      const resumed = await watch({ stage: { resumeAfter: stream.token } });

      expect(keys(await resumed.rest())).to.deep.equal([1, 2]);
    });

    it('start at an operation time, inclusive', async () => {
      await db.insert('c', { _id: 1 });
      const { operationTime } = succeeded(await db.run(insert('c', [{ _id: 2 }])));
      await db.insert('c', { _id: 3 });

      const stream = await watch({ stage: { startAtOperationTime: operationTime as Timestamp } });

      expect(keys(await stream.rest())).to.deep.equal([2, 3]);
    });

    it('refuse a token that is none: 260', async () => {
      const refused = await db.run(aggregate('c', [{ $changeStream: { resumeAfter: { _data: 'nonsense' } } }]));

      expect([9, 50_811, 260]).to.include(failureOf(refused).code);
    });

    it('refuse a stage behind another', async () => {
      expect([40_324, 40_602]).to.include(failureOf(await db.run(aggregate('c', [{ $match: {} }, { $changeStream: {} }]))).code);
    });

    it('tell of the end of their collection and end with it', async () => {
      await db.insert('c', { _id: 1 });
      const collection = await watch({ collection: 'c' });
      const database = await watch();
      succeeded(await db.run({ drop: 'c' }));
      await db.insert('d', { _id: 'd' });

      const [dropped, invalidated] = await collection.next(2);

      expect(dropped).to.deep.include({ operationType: 'drop', ns: { db: db.name, coll: 'c' } });
      expect(invalidated).to.include({ operationType: 'invalidate' });
      await collection.rest();
      expect(collection.open).to.equal(false);
      expect((await database.next(2)).map(({ operationType }) => operationType as string)).to.deep.equal(['drop', 'insert']);
      expect(database.open).to.equal(true);
    });

    it('go on behind the end of their collection: startAfter, not resumeAfter', async () => {
      const stream = await watch({ collection: 'c' });
      succeeded(await db.run({ drop: 'c' }));
      const [, invalidated] = await stream.next(2);
      await db.insert('c', { _id: 'again' });

      const resumed = await db.run(aggregate('c', [{ $changeStream: { resumeAfter: invalidated!['_id'] as Document } }]));
      const started = await watch({ collection: 'c', stage: { startAfter: invalidated!['_id'] as Document } });

      expect(failureOf(resumed).code).to.equal(260);
      expect(keys(await started.next(1))).to.deep.equal(['again']);
    });

    it('tell of the end of their database and end with it', async () => {
      await db.insert('c', { _id: 1 });
      const stream = await watch();
      succeeded(await db.run({ dropDatabase: 1 }));

      const events = await stream.rest();

      expect(events.map(({ operationType }) => operationType as string)).to.deep.equal(['drop', 'dropDatabase', 'invalidate']);
      expect(stream.open).to.equal(false);
    });

    it('see no event whose write a reader cannot see', async () => {
      const stream = await watch();
      const writing = (async () => {
        for (let n = 0; n < 20; n += 1) await commit(`${n}-a`, `${n}-b`);
      })();

      for (let seen = 0; seen < 20; seen += 1) {
        const [first] = await stream.next(2);
        const [turn] = (keys([first!])[0] as string).split('-');
        expect(documentsOf(await db.run(find('c', { _id: { $in: [`${turn}-a`, `${turn}-b`] } })))).to.have.length(2);
      }
      await writing;
    });

    it('miss nothing and repeat nothing while many write, and rise in cluster time', async () => {
      const streams = await Promise.all([watch(), watch({ collection: 'c' })]);
      await Promise.all(
        Array.from({ length: 8 }, async (_, writer) => {
          for (let n = 0; n < 10; n += 1) {
            if (n % 3 === 0) await commit(`${writer}-${n}`);
            else await db.insert('c', { _id: `${writer}-${n}` });
          }
        }),
      );

      const histories = await Promise.all(streams.map((stream) => stream.next(80)));

      expect(histories[1]).to.deep.equal(histories[0]);
      expect(new Set(keys(histories[0]!)).size).to.equal(80);
      const times = histories[0]!.map(({ clusterTime }) => (clusterTime as Timestamp).toBigInt());
      for (const [index, time] of times.entries()) if (index > 0) expect(time >= times[index - 1]!).to.equal(true);
    });

    it('go on anywhere in a busy history and come to the same end', async () => {
      const stream = await watch();
      for (let n = 0; n < 6; n += 1) await (n % 2 ? commit(`${n}-a`, `${n}-b`) : db.insert('c', { _id: `${n}` }));
      const all = await stream.next(9);

      const found: Document[] = [];
      for (let token = (stream.opening['cursor'] as { postBatchResumeToken: Document }).postBatchResumeToken; found.length < 9;) {
        const resumed = await watch({ stage: { resumeAfter: token } });
        await resumed.more(100, { batchSize: 1 });
        found.push(...(await resumed.next(1)));
        token = found.at(-1)!['_id'] as Document;
        await resumed.close();
      }

      expect(found).to.deep.equal(all);
    });

    it('that wait end with their connection, or when another kills them', async () => {
      const stream = await watch();
      const waiting = stream.more(3_000);
      await stillWaits(waiting);

      const { id } = stream.opening['cursor'] as { id: bigint };
      await db.run({ killCursors: '$cmd.aggregate', cursors: [id] });
      const reply = await Promise.race([waiting, db.insert('c', { _id: 1 }).then(() => waiting)]);

      if (reply['ok'] === 0) expect([43, 237, 11_601]).to.include(failureOf(reply).code);
    });

    itOnEmulator('that have fallen behind the oplog get 286, for good', async () => {
      const stream = await watch();
      await db.insert('c', { _id: 1 }, { _id: 2 });
      const [first] = await stream.next(1);
      await stream.close();
      await db.insert('c', { _id: 3 });
      server.emulator.truncateOplog();
      await db.insert('c', { _id: 4 });

      const behind = await db.run(aggregate('c', [{ $changeStream: { resumeAfter: first!['_id'] as Document } }]));

      const lost = { code: 286, codeName: 'ChangeStreamHistoryLost', labels: ['NonResumableChangeStreamError'] };
      const failed = behind['ok'] === 0 ? behind : await db.run({ getMore: (behind['cursor'] as { id: bigint }).id, collection: 'c' });
      expect(failureOf(failed)).to.deep.equal(lost);
    });

    itOnEmulator('that are open and behind the oplog get 286', async () => {
      const stream = await watch();
      await db.insert('c', { _id: 1 });
      server.emulator.truncateOplog();
      await db.insert('c', { _id: 2 });

      const reply = await stream.more();

      expect(failureOf(reply)).to.deep.include({ code: 286, labels: ['NonResumableChangeStreamError'] });
    });

    itOnEmulator('may be forbidden: 13', async () => {
      const closed = await open({ changeStreams: 'not-authorized' });

      const refused = await closed.database().run(aggregate('c', [{ $changeStream: {} }]));
      await closed.close();

      expect(failureOf(refused)).to.deep.include({ code: 13, codeName: 'Unauthorized' });
    });
  });
}
