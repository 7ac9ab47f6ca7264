import { expect } from 'chai';
import { after, before, beforeEach, describe, it } from 'mocha';
import type { Document } from 'bson';
import { find, insert, update } from './commands.js';
import {
  CONFLICTING_OPERATION,
  documentsOf,
  failureOf,
  INCOMPLETE_HISTORY,
  INVALID_OPTIONS,
  NO_SUCH_TRANSACTION,
  succeeded,
  TRANSACTION_COMMITTED,
  TRANSACTION_TOO_OLD,
} from './replies.js';
import type { RawSession, RawTransaction } from './raw-session.js';
import type { Servers, ServerUnderTest } from './server-under-test.js';
import { settled, stillWaits } from './settled.js';
import type { TestDatabase } from './test-database.js';

const NOT_RETRYABLE = { code: 50_768, labels: [] };

export function transactionEnds({ open, itOnEmulator }: Servers): void {
  describe('how a transaction begins and ends', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;
    let session: RawSession;
    let transaction: RawTransaction;

    const write = (_id: unknown = 1): Document => insert('c', [{ _id }]);
    const idsStored = async (): Promise<unknown[]> => (await db.all('c')).map(({ _id }) => _id as unknown);

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(async () => {
      db = server.database();
      await db.create('c');
      session = db.session();
      transaction = session.transaction(10n);
    });

    it('a commit repeated is as good as the first, over another connection too, and applies nothing twice', async () => {
      succeeded(await transaction.run(update('c', { _id: 1 }, { $inc: { n: 1 } }, { upsert: true })));
      succeeded(await transaction.commit());

      succeeded(await transaction.commit());
      succeeded(await transaction.commit({ writeConcern: { w: 'majority', wtimeout: 10_000 } }));
      const elsewhere = session.on(await server.connection());
      succeeded(await elsewhere.run({ commitTransaction: 1, txnNumber: 10n, autocommit: false }, { db: 'admin' }));

      expect(await db.all('c')).to.deep.equal([{ _id: 1, n: 1 }]);
    });

    it('a commit that only read is a commit', async () => {
      succeeded(await transaction.run(find('c')));

      succeeded(await transaction.commit());
      succeeded(await transaction.commit());

      expect(failureOf(await transaction.abort())).to.deep.equal(TRANSACTION_COMMITTED);
    });

    it('after an abort there is nothing to commit, to continue or to abort: 251', async () => {
      succeeded(await transaction.run(write()));
      succeeded(await transaction.abort());

      expect(failureOf(await transaction.commit())).to.deep.equal(NO_SUCH_TRANSACTION);
      expect(failureOf(await transaction.run(write()))).to.deep.equal(NO_SUCH_TRANSACTION);
      expect(failureOf(await transaction.abort())).to.deep.equal(NO_SUCH_TRANSACTION);
      expect(await idsStored()).to.deep.equal([]);
    });

    it('after a commit there is nothing to abort or to continue: 256', async () => {
      succeeded(await transaction.run(write()));
      succeeded(await transaction.commit());

      expect(failureOf(await transaction.abort())).to.deep.equal(TRANSACTION_COMMITTED);
      expect(failureOf(await transaction.run(write(2)))).to.deep.equal(TRANSACTION_COMMITTED);
      expect(failureOf(await transaction.run(find('c')))).to.deep.equal(TRANSACTION_COMMITTED);
      expect(await idsStored()).to.deep.equal([1]);
    });

    it('a number that was committed cannot be started again: 117', async () => {
      succeeded(await transaction.run(write()));
      succeeded(await transaction.commit());

      transaction.reopen();
      expect(failureOf(await transaction.run(write(2)))).to.deep.equal(CONFLICTING_OPERATION);
      succeeded(await transaction.commit());
      expect(await idsStored()).to.deep.equal([1]);
    });

    it('a number that was aborted cannot be started again: 117', async () => {
      succeeded(await transaction.run(write()));
      succeeded(await transaction.abort());

      transaction.reopen();
      expect(failureOf(await transaction.run(write(2)))).to.deep.equal(CONFLICTING_OPERATION);
      expect(await idsStored()).to.deep.equal([]);
    });

    it('a number that is open cannot be started again, and stays open: 117', async () => {
      succeeded(await transaction.run(write()));

      transaction.reopen();
      expect(failureOf(await transaction.run(write(2)))).to.deep.equal(CONFLICTING_OPERATION);
      succeeded(await transaction.commit());
      expect(await idsStored()).to.deep.equal([1]);
    });

    it('of two first operations at once the second is refused: 117', async () => {
      const first = transaction.run(write(1));
      transaction.reopen();
      const second = transaction.run(write(2));

      const [one, other] = (await Promise.all([first, second])).sort((a, b) => b['ok'] - a['ok']);

      succeeded(one);
      expect(failureOf(other)).to.deep.equal(CONFLICTING_OPERATION);
      succeeded(await transaction.commit());
      expect(await idsStored()).to.have.length(1);
    });

    it('a lower number is too old for everything: 225', async () => {
      const older = session.transaction(9n);
      succeeded(await transaction.run(write()));

      expect(failureOf(await older.run(write(2)))).to.deep.equal(TRANSACTION_TOO_OLD);
      expect(failureOf(await older.run(write(2)))).to.deep.equal(TRANSACTION_TOO_OLD);
      expect(failureOf(await older.commit())).to.deep.equal(TRANSACTION_TOO_OLD);
      expect(failureOf(await older.abort())).to.deep.equal(TRANSACTION_TOO_OLD);
      expect(failureOf(await session.write(write(2), 9n))).to.deep.equal(TRANSACTION_TOO_OLD);
      succeeded(await transaction.commit());
      expect(failureOf(await older.commit())).to.deep.equal(TRANSACTION_TOO_OLD);
      expect(await idsStored()).to.deep.equal([1]);
    });

    it('a higher number aborts the open one without a word', async () => {
      const next = session.transaction(11n);
      succeeded(await transaction.run(write()));

      succeeded(await next.run(write()));
      succeeded(await next.commit());

      expect(failureOf(await transaction.commit())).to.deep.equal(TRANSACTION_TOO_OLD);
      expect(await idsStored()).to.deep.equal([1]);
    });

    it('a retryable write of a higher number aborts the open one too', async () => {
      succeeded(await transaction.run(write(1)));

      succeeded(await session.write(write(1), 11n));

      expect(failureOf(await transaction.run(write(2)))).to.deep.equal(TRANSACTION_TOO_OLD);
      expect(await idsStored()).to.deep.equal([1]);
    });

    it('a number that nobody has started has nothing to continue or to commit: 251', async () => {
      const unstarted = { txnNumber: 12n, autocommit: false };

      expect(failureOf(await session.run({ ...find('c'), ...unstarted }))).to.deep.equal(NO_SUCH_TRANSACTION);
      expect(failureOf(await session.run({ ...write(), ...unstarted }))).to.deep.equal(NO_SUCH_TRANSACTION);
      expect(failureOf(await session.run({ commitTransaction: 1, ...unstarted }, { db: 'admin' }))).to.deep.equal(NO_SUCH_TRANSACTION);
      expect(failureOf(await session.run({ abortTransaction: 1, ...unstarted }, { db: 'admin' }))).to.deep.equal(NO_SUCH_TRANSACTION);
    });

    it("a retryable write on a transaction's number is refused and leaves it alone: 217", async () => {
      succeeded(await transaction.run(write()));

      expect(failureOf(await session.write(write(2), 10n))).to.deep.equal(INCOMPLETE_HISTORY);
      succeeded(await transaction.commit());
      expect(failureOf(await session.write(write(2), 10n))).to.deep.equal(INCOMPLETE_HISTORY);
      expect(await idsStored()).to.deep.equal([1]);
    });

    it('numbers belong to a session: another may have the same', async () => {
      const other = db.session().transaction(10n);
      succeeded(await transaction.run(write(1)));
      succeeded(await other.run(write(2)));

      succeeded(await other.commit());
      succeeded(await transaction.abort());

      expect(await idsStored()).to.deep.equal([2]);
    });

    it('a transaction outlives the connection that opened it', async () => {
      const connection = await server.connection();
      const opened = session.on(connection).transaction(10n);
      succeeded(await opened.run(write()));
      connection.cut();
      await settled();

      succeeded(await session.run({ ...write(2), txnNumber: 10n, autocommit: false }));
      succeeded(await transaction.commit());

      expect(await idsStored()).to.deep.equal([1, 2]);
    });

    it('a commit whose sender went before the answer is a commit', async () => {
      succeeded(await transaction.run(write()));
      const connection = await server.connection();
      connection.send('admin', { commitTransaction: 1, lsid: session.lsid, txnNumber: 10n, autocommit: false });
      await settled();
      connection.cut();

      succeeded(await transaction.commit());
      expect(await idsStored()).to.deep.equal([1]);
    });

    it('endSessions ends it', async () => {
      succeeded(await transaction.run(write()));

      succeeded(await db.admin({ endSessions: [session.lsid] }));
      const free = db.run(write());

      // A server reaps the session in its own time; killing it at once is right as well.
      if (await stillWaits(free)) succeeded(await transaction.abort());
      succeeded(await free);
    });

    it('killAllSessions aborts what is open', async () => {
      succeeded(await transaction.run(write()));

      succeeded(await db.admin({ killAllSessions: [] }));

      succeeded(await db.run(write()));
      expect(failureOf(await transaction.commit()).code).to.equal(251);
    });

    const OPTIONS: readonly { readonly that: string; readonly fields: Document; readonly code: number }[] = [
      { that: 'startTransaction without autocommit', fields: { txnNumber: 1n, startTransaction: true }, code: 72 },
      { that: 'autocommit without a number', fields: { autocommit: false }, code: 72 },
      { that: 'autocommit: true', fields: { txnNumber: 1n, autocommit: true, startTransaction: true }, code: 72 },
      { that: 'startTransaction: false', fields: { txnNumber: 1n, autocommit: false, startTransaction: false }, code: 72 },
      {
        that: 'a writeConcern inside',
        fields: { txnNumber: 1n, autocommit: false, startTransaction: true, writeConcern: { w: 'majority' } },
        code: 72,
      },
    ];
    for (const { that, fields, code } of OPTIONS) {
      it(`is refused with ${code}: ${that}`, async () => {
        const refused = await db.session().run({ ...write(), ...fields });

        expect(failureOf(refused)).to.deep.include({ code, labels: [] });
        expect(await idsStored()).to.deep.equal([]);
      });
    }

    it('is refused with 72: a number without a session', async () => {
      expect(failureOf(await db.run({ ...write(), txnNumber: 1n }))).to.deep.equal(INVALID_OPTIONS);
    });

    it('is refused with 72: a second readConcern', async () => {
      succeeded(await transaction.run(find('c', {}, { readConcern: { level: 'snapshot' } })));

      expect(failureOf(await transaction.run(find('c', {}, { readConcern: { level: 'snapshot' } }))).code).to.equal(72);
    });

    it('is refused with 72: level snapshot on a plain write', async () => {
      expect(failureOf(await db.run({ ...write(), readConcern: { level: 'snapshot' } })).code).to.equal(72);
      expect(await idsStored()).to.deep.equal([]);
    });

    it('is refused with 50768: a number on a command that neither writes nor belongs to a transaction', async () => {
      expect(failureOf(await session.run({ ...find('c'), txnNumber: 20n }))).to.deep.include(NOT_RETRYABLE);
      expect(failureOf(await session.run({ commitTransaction: 1, txnNumber: 20n }, { db: 'admin' }))).to.deep.include(NOT_RETRYABLE);
    });

    it('is refused anywhere but on admin: an end', async () => {
      succeeded(await transaction.run(write()));

      for (const command of [{ commitTransaction: 1 }, { abortTransaction: 1 }])
        expect((await session.run({ ...command, txnNumber: 10n, autocommit: false }))['ok']).to.equal(0);
    });
  });

  describe('the life time of a transaction', () => {
    const LIFETIME_MS = 150;
    let server: ServerUnderTest;
    let db: TestDatabase;

    before(async () => {
      server = await open({ transactionLifetimeMs: LIFETIME_MS });
    });
    after(() => server.close());

    beforeEach(async () => {
      db = server.database();
      await db.insert('c', { _id: 1, n: 0 });
    });

    itOnEmulator('is over when it has been idle for long: its next operation and its commit get 251', async () => {
      const [reads, commits] = [db.transaction(), db.transaction()];
      succeeded(await reads.run(insert('c', [{ _id: 2 }])));
      succeeded(await commits.run(insert('c', [{ _id: 3 }])));
      await settled(LIFETIME_MS * 3);

      expect(failureOf(await reads.run(find('c')))).to.deep.equal(NO_SUCH_TRANSACTION);
      expect(failureOf(await commits.commit())).to.deep.equal(NO_SUCH_TRANSACTION);
      expect(await db.all('c')).to.deep.equal([{ _id: 1, n: 0 }]);
    });

    itOnEmulator('is over for those too that wait behind it', async () => {
      const transaction = db.transaction();
      succeeded(await transaction.run(update('c', { _id: 1 }, { $inc: { n: 1 } })));

      succeeded(await db.run(update('c', { _id: 1 }, { $inc: { n: 10 } }, {}, { maxTimeMS: LIFETIME_MS * 10 })));

      expect(await db.one('c', 1)).to.deep.equal({ _id: 1, n: 10 });
    });

    itOnEmulator('is counted from its begin, however busy it is', async () => {
      const transaction = db.transaction();
      const began = Date.now();
      let reply: Document;
      do {
        reply = await transaction.run(find('c'));
        await settled(20);
      } while (reply['ok'] === 1 && Date.now() - began < LIFETIME_MS * 10);

      expect([251, 290]).to.include(failureOf(reply).code);
    });

    itOnEmulator('is long enough for one that hurries', async () => {
      const transaction = db.transaction();
      succeeded(await transaction.run(insert('c', [{ _id: 2 }])));
      succeeded(await transaction.commit());
      await settled(LIFETIME_MS * 3);

      succeeded(await transaction.commit());
      expect(documentsOf(await db.run(find('c', { _id: 2 })))).to.have.length(1);
    });
  });

  describe('a stand-alone server', () => {
    let server: ServerUnderTest;

    before(async () => {
      server = await open({ replicaSet: false });
    });
    after(() => server.close());

    itOnEmulator('has no set and refuses every number: 20', async () => {
      const db = server.database();
      const session = db.session();
      const { hello } = await server.connection();

      const retryable = await session.write(insert('c', [{ _id: 1 }]));
      const transactional = await session.transaction().run(insert('c', [{ _id: 1 }]));

      expect(hello).to.not.have.any.keys('setName', 'hosts');
      expect(failureOf(retryable)).to.deep.equal({ code: 20, codeName: 'IllegalOperation', labels: [] });
      expect(failureOf(transactional)).to.deep.equal({ code: 20, codeName: 'IllegalOperation', labels: [] });
      expect(retryable['errmsg']).to.equal('Transaction numbers are only allowed on a replica set member or mongos');
      await db.insert('c', { _id: 1 });
      expect(await db.all('c')).to.deep.equal([{ _id: 1 }]);
    });

    itOnEmulator('has no cluster time', async () => {
      const reply = succeeded(await server.database().run({ ping: 1 }));

      expect(reply).to.not.have.any.keys('$clusterTime', 'operationTime');
    });
  });
}
