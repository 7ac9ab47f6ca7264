import { Timestamp } from 'bson';
import type { Binary, Document } from 'bson';
import { expect } from 'chai';
import { after, before, beforeEach, describe, it } from 'mocha';
import { aggregate, find, findAndModify, insert, remove, update, upsert } from './commands.js';
import { documentsOf, failureOf, succeeded } from './replies.js';
import type { Servers, ServerUnderTest } from './server-under-test.js';
import type { TestDatabase } from './test-database.js';
import { WatchedStream } from './watched-stream.js';

const EMPTY = new Timestamp(0n);

export function clusterTime({ open }: Servers): void {
  describe('cluster time', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;

    const timeOf = (reply: Document): bigint => numberOf((reply['$clusterTime'] as { clusterTime: Timestamp }).clusterTime);
    const operationTimeOf = (reply: Document): bigint => numberOf(reply['operationTime'] as Timestamp);

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(() => {
      db = server.database();
    });

    it('is in every reply, a failure and an end of a transaction included', async () => {
      const transaction = db.transaction();
      const replies = [
        await db.run({ ping: 1 }),
        await db.run({ hello: 1 }),
        await db.run(insert('c', [{ _id: 1 }])),
        await db.run(insert('c', [{ _id: 1 }])),
        await db.run({ frobnicate: 1 }),
        await db.run(find('c', { $frobnicate: 1 })),
        await db.run({ listCollections: 1 }),
        await transaction.run(insert('c', [{ _id: 2 }])),
        await db.transaction().run(insert('c', [{ _id: 2 }])),
        await transaction.commit(),
        await transaction.abort(),
      ];

      for (const reply of replies) {
        const { clusterTime, signature } = reply['$clusterTime'] as { clusterTime: Timestamp; signature: { hash: Binary; keyId: bigint } };
        expect(clusterTime).to.have.property('_bsontype', 'Timestamp');
        expect(signature.hash.buffer).to.have.length(20);
        expect(signature.keyId).to.be.a('bigint');
        expect(reply['operationTime']).to.have.property('_bsontype', 'Timestamp');
        expect(operationTimeOf(reply) <= timeOf(reply)).to.equal(true);
      }
    });

    it('grows with every write, and no reply shows less than one before', async () => {
      const times: bigint[] = [];
      for (let n = 0; n < 20; n += 1) times.push(operationTimeOf(succeeded(await db.run(insert('c', [{ _id: n }])))));
      const read = await db.run(find('c'));

      for (const [index, time] of times.entries()) if (index > 0) expect(time > times[index - 1]!).to.equal(true);
      expect(operationTimeOf(read) >= times.at(-1)!).to.equal(true);
      expect(timeOf(read) >= operationTimeOf(read)).to.equal(true);
    });

    it('is within seconds of the clock', async () => {
      const { $clusterTime } = succeeded(await db.run(insert('c', [{ _id: 1 }])));

      const { t } = ($clusterTime as { clusterTime: Timestamp }).clusterTime;

      expect(Math.abs(t - Date.now() / 1_000)).to.be.below(30);
    });

    it('may be told by a client, as drivers do', async () => {
      const { $clusterTime, operationTime } = succeeded(await db.run(insert('c', [{ _id: 1 }])));

      const read = await db.session().run({
        ...find('c', {}, { readConcern: { level: 'local', afterClusterTime: operationTime as Timestamp } }),
        $clusterTime: $clusterTime as Document,
      });

      expect(documentsOf(read)).to.deep.equal([{ _id: 1 }]);
    });

    it("of a commit's event is the operationTime that its sender was told", async () => {
      const stream = await WatchedStream.open(server, { db: db.name });
      const transaction = db.transaction();
      succeeded(await transaction.run(insert('c', [{ _id: 1 }])));
      const committed = succeeded(await transaction.commit());
      const written = succeeded(await db.run(insert('c', [{ _id: 2 }])));

      const [first, second] = (await stream.next(2)).map(({ clusterTime }) => numberOf(clusterTime as Timestamp));
      await stream.close();

      expect(first! <= operationTimeOf(committed)).to.equal(true);
      expect(operationTimeOf(committed) < second!).to.equal(true);
      expect(second).to.equal(operationTimeOf(written));
    });
  });

  describe('empty timestamps', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;

    const stored = async (id: unknown = 1): Promise<Document> => (await db.one('c', id))!;
    const nowOnServer = async (): Promise<bigint> => numberOf((await db.run({ ping: 1 }))['operationTime'] as Timestamp);

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(() => {
      db = server.database();
    });

    it('are replaced by an insert, at the top level only and never as _id', async () => {
      const filled = new Timestamp({ t: 1, i: 1 });
      await db.insert('c', { _id: 1, at: EMPTY, in: { at: EMPTY }, all: [EMPTY], filled });
      await db.insert('d', { _id: EMPTY });

      const document = await stored();
      expect(numberOf(document['at'] as Timestamp) > 0n).to.equal(true);
      expect(document['in']).to.deep.equal({ at: EMPTY });
      expect(document['all']).to.deep.equal([EMPTY]);
      expect(document['filled']).to.deep.equal(filled);
      expect(await db.all('d')).to.deep.equal([{ _id: EMPTY }]);
    });

    it('keep their place among the fields', async () => {
      await db.insert('c', { _id: 1, a: 1, at: EMPTY, z: 1 });

      expect(Object.keys(await stored())).to.deep.equal(['_id', 'a', 'at', 'z']);
    });

    it('are replaced by a replacement and by an upsert that replaces', async () => {
      await db.insert('c', { _id: 1 });
      succeeded(await db.run(update('c', { _id: 1 }, { at: EMPTY })));
      succeeded(await db.run(upsert('c', { _id: 2 }, { at: EMPTY })));
      succeeded(await db.run(findAndModify('c', { _id: 3 }, { update: { at: EMPTY }, upsert: true })));

      for (const id of [1, 2, 3]) expect(numberOf((await stored(id))['at'] as Timestamp) > 0n).to.equal(true);
    });

    it('become unique ones that grow with each document and each field of a batch', async () => {
      await db.insert('c', ...Array.from({ length: 50 }, (_, _id) => ({ _id, first: EMPTY, second: EMPTY })));

      const times = (await db.all('c')).flatMap(({ first, second }) => [numberOf(first as Timestamp), numberOf(second as Timestamp)]);

      expect(new Set(times).size).to.equal(100);
      expect(times).to.deep.equal([...times].sort((a, b) => (a < b ? -1 : 1)));
    });

    it('become unique ones however many clients insert at once', async () => {
      await Promise.all(
        Array.from({ length: 20 }, async (_, client) => {
          for (let n = 0; n < 5; n += 1) await db.insert('c', { _id: `${client}-${n}`, at: EMPTY });
        }),
      );

      expect(new Set((await db.all('c')).map(({ at }) => numberOf(at as Timestamp))).size).to.equal(100);
    });

    it('become later ones than every commit before, and earlier ones than every commit after', async () => {
      for (let _id = 0; _id < 10; _id += 1) {
        const transaction = db.transaction();
        succeeded(await transaction.run(insert('other', [{ _id: `tx ${_id}` }])));
        succeeded(await transaction.commit());
        const earlier = await nowOnServer();

        await db.insert('c', { _id, at: EMPTY });
        const { operationTime } = succeeded(await db.run(insert('other', [{ _id: `after ${_id}` }])));

        const at = numberOf((await stored(_id))['at'] as Timestamp);
        expect(at > earlier).to.equal(true);
        expect(at < numberOf(operationTime as Timestamp)).to.equal(true);
      }
    });

    it('are replaced when a transaction inserts, before it commits: its commit is later', async () => {
      const stream = await WatchedStream.open(server, { db: db.name });
      const transaction = db.transaction();
      succeeded(await transaction.run(insert('c', [{ _id: 1, at: EMPTY }])));
      const [seen] = documentsOf(await transaction.run(find('c')));
      const meanwhile = numberOf(succeeded(await db.run(insert('d', [{ _id: 1 }])))['operationTime'] as Timestamp);
      succeeded(await transaction.commit());

      const [, event] = await stream.next(2);
      await stream.close();

      const at = numberOf((await stored())['at'] as Timestamp);
      expect(numberOf(seen!['at'] as Timestamp)).to.equal(at);
      expect(at > 0n && at < meanwhile).to.equal(true);
      expect(numberOf(event!['clusterTime'] as Timestamp) > at).to.equal(true);
      expect(event!['fullDocument']).to.deep.equal(seen);
    });

    it('are the same when a write is tried again', async () => {
      const session = db.session();
      succeeded(await session.write(insert('c', [{ _id: 1, at: EMPTY }]), 1n));
      const first = await stored();
      succeeded(await session.write(insert('c', [{ _id: 1, at: EMPTY }]), 1n));

      expect(await stored()).to.deep.equal(first);
    });
  });

  describe('$$CLUSTER_TIME and $$NOW', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(() => {
      db = server.database();
    });

    it('can be written by a pipeline: not before what was committed, not after the answer', async () => {
      await db.insert('c', { _id: 1 });
      const earlier = numberOf((await db.run({ ping: 1 }))['operationTime'] as Timestamp);

      const reply = succeeded(await db.run(update('c', { _id: 1 }, [{ $set: { at: '$$CLUSTER_TIME', now: '$$NOW' } }])));

      const { at, now } = (await db.one('c', 1)) as { at: Timestamp; now: Date };
      expect(at).to.have.property('_bsontype', 'Timestamp');
      expect(numberOf(at) >= earlier).to.equal(true);
      expect(numberOf(at) <= numberOf((reply['$clusterTime'] as { clusterTime: Timestamp }).clusterTime)).to.equal(true);
      expect(Math.abs(now.getTime() - Date.now())).to.be.below(5_000);
    });

    it('can be upserted, also by findAndModify and inside a transaction', async () => {
      succeeded(await db.run(upsert('c', { _id: 1 }, [{ $set: { at: '$$CLUSTER_TIME' } }])));
      succeeded(await db.run(findAndModify('c', { _id: 2 }, { update: [{ $set: { at: '$$CLUSTER_TIME' } }], upsert: true })));
      const transaction = db.transaction();
      succeeded(await transaction.run(upsert('c', { _id: 3 }, [{ $set: { at: '$$CLUSTER_TIME' } }])));
      succeeded(await transaction.commit());

      for (const { at } of await db.all('c')) expect(at).to.have.property('_bsontype', 'Timestamp');
    });

    it('can be read: one value in one command, and no smaller one later', async () => {
      await db.insert('c', { _id: 1 }, { _id: 2 });
      const read = async (): Promise<Document[]> =>
        documentsOf(await db.run(aggregate('c', [{ $project: { at: '$$CLUSTER_TIME', now: '$$NOW' } }, { $sort: { _id: 1 } }])));

      const [one, two] = await read();
      succeeded(await db.run(remove('c', { _id: 2 })));
      const [later] = await read();

      expect([two!['at'], two!['now']]).to.deep.equal([one!['at'], one!['now']]);
      expect(numberOf(later!['at'] as Timestamp) >= numberOf(one!['at'] as Timestamp)).to.equal(true);
    });

    it('can be compared with in a filter', async () => {
      await db.insert('c', { _id: 1, at: EMPTY }, { _id: 2, at: new Timestamp({ t: 4_000_000_000, i: 1 }) });

      const past = await db.run(find('c', { $expr: { $lte: ['$at', '$$CLUSTER_TIME'] } }));

      expect(documentsOf(past).map(({ _id }) => _id as number)).to.deep.equal([1]);
    });

    it('are refused when a filter names another variable', async () => {
      expect(failureOf(await db.run(find('c', { $expr: { $eq: ['$$NOBODY', 1] } })))).to.deep.include({ code: 17_276, labels: [] });
    });
  });
}

function numberOf(timestamp: Timestamp): bigint {
  return timestamp.toBigInt();
}
