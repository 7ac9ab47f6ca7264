import type { Document } from 'bson';
import { expect } from 'chai';
import { after, before, beforeEach, describe, it } from 'mocha';
import { insert, uniqueIndex, update } from './commands.js';
import { failureOf, NO_SUCH_TRANSACTION, succeeded, WRITE_CONFLICT } from './replies.js';
import type { RawTransaction } from './raw-session.js';
import type { Servers, ServerUnderTest } from './server-under-test.js';
import type { TestDatabase } from './test-database.js';
import { WatchedStream } from './watched-stream.js';

const NOTHING = { nErrors: 0, nInserted: 0, nMatched: 0, nModified: 0, nUpserted: 0, nDeleted: 0 };

export function bulkWrites({ open }: Servers): void {
  describe('the bulkWrite command', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;
    let other: TestDatabase;

    const bulk = (ops: readonly Document[], more: Document = {}): Document => ({
      bulkWrite: 1,
      ops,
      nsInfo: [{ ns: `${db.name}.c` }, { ns: `${other.name}.d` }],
      ...more,
    });
    const inTransaction = (transaction: RawTransaction, command: Document): Promise<Document> => transaction.run(command, { db: 'admin' });
    const resultsOf = (reply: Document): Document[] => (reply['cursor'] as { firstBatch: Document[] }).firstBatch;

    before(async function () {
      server = await open();
      const { hello } = await server.connection();
      if ((hello['maxWireVersion'] as number) < 25) this.skip();
    });
    after(() => server.close());

    beforeEach(async () => {
      [db, other] = [server.database(), server.database()];
      await db.insert('c', { _id: 1, n: 1 }, { _id: 2, n: 2 });
      await other.create('d');
    });

    it('writes to several databases, and answers for each operation', async () => {
      const ops = [
        { insert: 0, document: { _id: 3, n: 3 } },
        { insert: 1, document: { _id: 3 } },
        { update: 0, filter: { _id: 1 }, updateMods: { $inc: { n: 10 } } },
        { update: 0, filter: {}, updateMods: [{ $set: { all: '$n' } }], multi: true },
        { update: 1, filter: { _id: 9 }, updateMods: { $set: { n: 9 } }, upsert: true },
        { delete: 0, filter: { _id: 2 } },
        { delete: 1, filter: { _id: 77 }, multi: true },
      ];

      const reply = succeeded(await db.admin(bulk(ops)));

      expect(reply).to.deep.include({ ...NOTHING, nInserted: 2, nMatched: 4, nModified: 4, nUpserted: 1, nDeleted: 1 });
      expect(reply['cursor']).to.deep.include({ id: 0n, ns: 'admin.$cmd.bulkWrite' });
      expect(resultsOf(reply)).to.deep.equal([
        { ok: 1, idx: 0, n: 1 },
        { ok: 1, idx: 1, n: 1 },
        { ok: 1, idx: 2, n: 1, nModified: 1 },
        { ok: 1, idx: 3, n: 3, nModified: 3 },
        { ok: 1, idx: 4, n: 1, nModified: 0, upserted: { _id: 9 } },
        { ok: 1, idx: 5, n: 1 },
        { ok: 1, idx: 6, n: 0 },
      ]);
      expect(await db.all('c')).to.deep.equal([
        { _id: 1, n: 11, all: 11 },
        { _id: 3, n: 3, all: 3 },
      ]);
      expect(await other.all('d')).to.deep.equal([{ _id: 3 }, { _id: 9, n: 9 }]);
    });

    it('tells of errors only, when that is asked for', async () => {
      const ops = [
        { insert: 0, document: { _id: 3 } },
        { insert: 0, document: { _id: 1 } },
        { insert: 0, document: { _id: 4 } },
      ];

      const reply = await db.admin(bulk(ops, { errorsOnly: true, ordered: false }));

      expect(reply).to.deep.include({ ok: 1, ...NOTHING, nErrors: 1, nInserted: 2 });
      expect(resultsOf(reply).map(({ idx }) => idx as number)).to.deep.equal([1]);
    });

    for (const [ordered, ids] of [
      [true, [1, 2, 3]],
      [false, [1, 2, 3, 4]],
    ] as const) {
      it(`${ordered ? 'stops at' : 'goes on after'} an error, ordered ${ordered}`, async () => {
        const ops = [3, 1, 4].map((_id) => ({ insert: 0, document: { _id } }));

        const reply = await db.admin(bulk(ops, { ordered }));

        expect(reply).to.include({ ok: 1, nErrors: 1, nInserted: ids.length - 2 });
        expect(resultsOf(reply)[1]).to.deep.include({ ok: 0, idx: 1, code: 11_000, n: 0, keyPattern: { _id: 1 }, keyValue: { _id: 1 } });
        expect((await db.all('c')).map(({ _id }) => _id as number)).to.deep.equal(ids);
      });
    }

    it('is atomic inside a transaction, over databases: one clusterTime, and nothing before the commit', async () => {
      const stream = await WatchedStream.open(server, { db: 'admin', stage: { allChangesForCluster: true } });
      const transaction = db.transaction();
      succeeded(
        await inTransaction(
          transaction,
          bulk([
            { insert: 0, document: { _id: 3 } },
            { insert: 1, document: { _id: 3 } },
            { update: 0, filter: { _id: 1 }, updateMods: { $inc: { n: 10 } } },
          ]),
        ),
      );
      expect([(await db.all('c')).length, (await other.all('d')).length]).to.deep.equal([2, 0]);
      succeeded(await transaction.commit());

      const events = await stream.next(3);
      await stream.close();

      expect(events.map(({ operationType }) => operationType as string)).to.deep.equal(['insert', 'insert', 'update']);
      expect(new Set(events.map(({ clusterTime }) => String(clusterTime))).size).to.equal(1);
      expect([await db.one('c', 1), await other.one('d', 3)]).to.deep.equal([{ _id: 1, n: 11 }, { _id: 3 }]);
    });

    it('aborts its transaction at an error, ordered or not', async () => {
      for (const ordered of [true, false]) {
        const transaction = db.transaction();
        const ops = [3, 1, 4].map((_id) => ({ insert: 0, document: { _id } }));

        const reply = await inTransaction(transaction, bulk(ops, { ordered }));

        expect(reply).to.include({ ok: 1, nErrors: 1 });
        expect(resultsOf(reply).at(-1)).to.include({ ok: 0, idx: 1, code: 11_000 });
        expect(reply).to.not.have.property('errorLabels');
        expect(failureOf(await transaction.commit())).to.deep.equal(NO_SUCH_TRANSACTION);
        expect(await db.all('c')).to.have.length(2);
      }
    });

    it('meets another transaction as any write does', async () => {
      const [winner, loser] = [db.transaction(), db.transaction()];
      succeeded(await winner.run(update('c', { _id: 1 }, { $set: { by: 'winner' } })));

      const refused = await inTransaction(
        loser,
        bulk([
          { insert: 1, document: { _id: 5 } },
          { delete: 0, filter: { _id: 1 } },
        ]),
      );

      expect(failureOf(refused)).to.deep.equal(WRITE_CONFLICT);
      succeeded(await winner.commit());
      expect(await other.all('d')).to.deep.equal([]);
    });

    it('is answered from the record when it is tried again', async () => {
      const session = db.session();
      const command = bulk([
        { insert: 0, document: { _id: 3 } },
        { update: 0, filter: { _id: 1 }, updateMods: { $inc: { n: 10 } } },
        { update: 1, filter: { _id: 9 }, updateMods: { $inc: { n: 1 } }, upsert: true },
        { delete: 0, filter: { _id: 2 } },
      ]);
      const write = (): Promise<Document> => session.run({ ...command, txnNumber: 1n }, { db: 'admin' });
      const first = succeeded(await write());

      const second = succeeded(await write());

      expect(second).to.deep.include({ ...NOTHING, nInserted: 1, nMatched: 1, nModified: 1, nUpserted: 1, nDeleted: 1 });
      expect(resultsOf(second)).to.deep.equal(resultsOf(first));
      expect(second['retriedStmtIds']).to.deep.equal([0, 1, 2, 3]);
      expect(await db.all('c')).to.deep.equal([{ _id: 1, n: 11 }, { _id: 3 }]);
      expect(await other.all('d')).to.deep.equal([{ _id: 9, n: 1 }]);
    });

    it('respects unique indexes', async () => {
      succeeded(await db.run(uniqueIndex('c', { n: 1 })));

      const reply = await db.admin(bulk([{ update: 0, filter: { _id: 1 }, updateMods: { $set: { n: 2 } } }]));

      expect(reply).to.include({ nErrors: 1, nModified: 0 });
      expect(resultsOf(reply)[0]).to.deep.include({ ok: 0, code: 11_000, keyPattern: { n: 1 }, keyValue: { n: 2 } });
    });

    it('is refused on another database than admin, and when it names a namespace that it does not tell', async () => {
      expect(failureOf(await db.run(bulk([{ insert: 0, document: { _id: 5 } }]))).code).to.equal(13);
      expect(failureOf(await db.admin(bulk([{ insert: 7, document: { _id: 5 } }]))).code).to.equal(2);
      expect(failureOf(await db.admin(bulk([]))).code).to.equal(16);
    });

    it('has variables for all its operations', async () => {
      const ops = [{ update: 0, filter: { $expr: { $eq: ['$_id', '$$id'] } }, updateMods: [{ $set: { n: '$$n' } }] }];

      succeeded(await db.admin(bulk(ops, { let: { id: 2, n: 22 } })));

      expect(await db.one('c', 2)).to.deep.equal({ _id: 2, n: 22 });
    });

    it('waits for nobody when it writes elsewhere', async () => {
      const transaction = db.transaction();
      succeeded(await transaction.run(insert('c', [{ _id: 5 }])));

      succeeded(await db.admin(bulk([{ insert: 0, document: { _id: 6 } }])));
      succeeded(await transaction.commit());

      expect(await db.all('c')).to.have.length(4);
    });
  });
}
