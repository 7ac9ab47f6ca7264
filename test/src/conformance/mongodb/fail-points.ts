import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import type { Document } from 'bson';
import { find, findAndModify, insert, remove, update } from './commands.js';
import { documentsOf, failureOf, NO_SUCH_TRANSACTION, succeeded } from './replies.js';
import type { RawConnection } from './raw-connection.js';
import type { RawSession } from './raw-session.js';
import type { Servers, ServerUnderTest } from './server-under-test.js';
import type { TestDatabase } from './test-database.js';
import { WatchedStream } from './watched-stream.js';

const RETRYABLE = 'RetryableWriteError';
const TRANSIENT = 'TransientTransactionError';
const RETRIABLE_CODES = [6, 7, 89, 91, 134, 189, 262, 9001, 10_107, 11_600, 11_602, 13_435, 13_436];
const APP = 'fail-points';

/** On a real server these need `--setParameter enableTestCommands=1`. */
export function failPoints({ open }: Servers): void {
  describe('fail points', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;
    let connection: RawConnection;
    let session: RawSession;

    const configure = async (point: string, mode: unknown, data: Document = {}): Promise<Document> =>
      succeeded(await db.admin({ configureFailPoint: point, mode, data }));
    const fail = (failCommands: readonly string[], data: Document, mode: unknown = { times: 1 }): Promise<Document> =>
      configure('failCommand', mode, { failCommands, appName: APP, ...data });
    const run = (command: Document): Promise<Document> => connection.run(db.name, command);
    const ended = (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => 'answered',
        () => 'cut',
      );

    before(async function () {
      server = await open();
      const { ok } = await server.database().admin({ configureFailPoint: 'failCommand', mode: 'off' });
      if (ok === 1) return;
      console.log('  not tested: "fail points" need a server with --setParameter enableTestCommands=1');
      this.skip();
    });
    after(() => server.close());

    beforeEach(async () => {
      db = server.database();
      await db.insert('c', { _id: 1, n: 1 });
      connection = await server.connection({ hello: { client: { application: { name: APP } } } });
      session = db.session().on(connection);
    });
    afterEach(async () => {
      for (const point of ['failCommand', 'onPrimaryTransactionalWrite', 'failGetMoreAfterCursorCheckout']) await configure(point, 'off');
    });

    it('fail so many times with the code, and not again', async () => {
      await fail(['find'], { errorCode: 8 }, { times: 2 });

      const replies = [await run(find('c')), await run(find('c')), await run(find('c'))];

      expect(replies.slice(0, 2).map(failureOf)).to.deep.equal(Array(2).fill({ code: 8, codeName: 'UnknownError', labels: [] }));
      expect(documentsOf(replies[2]!)).to.have.length(1);
    });

    it('skip as many as they are told to, and fail from then on', async () => {
      await fail(['find'], { errorCode: 8 }, { skip: 2 });

      const replies = [];
      for (let turn = 0; turn < 4; turn += 1) replies.push((await run(find('c')))['ok'] as number);

      expect(replies).to.deep.equal([1, 1, 0, 0]);
    });

    it('always fail, until they are switched off', async () => {
      await fail(['find'], { errorCode: 8 }, 'alwaysOn');
      for (let turn = 0; turn < 3; turn += 1) failureOf(await run(find('c')));

      await configure('failCommand', 'off');

      succeeded(await run(find('c')));
    });

    it('fail by chance', async () => {
      await fail(['find'], { errorCode: 8 }, { activationProbability: 0.5 });

      let failed = 0;
      for (let turn = 0; turn < 100; turn += 1) if ((await run(find('c')))['ok'] === 0) failed += 1;

      expect(failed).to.be.within(15, 85);
    });

    it('do not count commands that they are not for', async () => {
      await fail(['insert'], { errorCode: 8 });

      succeeded(await run(find('c')));
      succeeded(await run({ ping: 1 }));

      expect(failureOf(await run(insert('c', [{ _id: 2 }]))).code).to.equal(8);
      succeeded(await run(insert('c', [{ _id: 2 }])));
    });

    it('leave other applications and other collections alone', async () => {
      await fail(['find'], { errorCode: 8, namespace: `${db.name}.c` }, 'alwaysOn');

      succeeded(await db.run(find('c')));
      succeeded(await run(find('d')));

      expect(failureOf(await run(find('c'))).code).to.equal(8);
    });

    it('never fail their own configuration', async () => {
      await fail(['configureFailPoint', 'ping'], { errorCode: 8, appName: undefined }, 'alwaysOn');

      succeeded(await db.admin({ configureFailPoint: 'failCommand', mode: 'off' }));
      succeeded(await run({ ping: 1 }));
    });

    it('fail before the command is carried out', async () => {
      await fail(['insert'], { errorCode: 11_600 });

      failureOf(await run(insert('c', [{ _id: 2 }])));

      expect(await db.one('c', 2)).to.equal(undefined);
    });

    it('tell more about the error when they are given more', async () => {
      await fail(['find'], { errorCode: 8, errorExtraInfo: { hint: 'x' } });

      expect(await run(find('c'))).to.deep.include({ ok: 0, code: 8 });
    });

    for (const code of RETRIABLE_CODES) {
      it(`label code ${code}: a retryable write, an operation and an end of a transaction`, async () => {
        const transaction = session.transaction(1n);
        succeeded(await transaction.run(insert('c', [{ _id: 2 }])));
        await fail(['insert', 'find', 'commitTransaction', 'abortTransaction'], { errorCode: code }, 'alwaysOn');

        const inside = [await transaction.run(insert('c', [{ _id: 3 }])), await transaction.run(find('c'))];
        const ends = [await transaction.commit(), await transaction.abort()];
        const retryable = await db
          .session()
          .on(connection)
          .write(insert('c', [{ _id: 4 }]));
        const plain = [await run(insert('c', [{ _id: 5 }])), await run(find('c'))];

        expect(inside.map((reply) => failureOf(reply).labels)).to.deep.equal([[TRANSIENT], [TRANSIENT]]);
        expect(ends.map((reply) => failureOf(reply).labels)).to.deep.equal([[RETRYABLE], [RETRYABLE]]);
        expect(failureOf(retryable).labels).to.deep.equal([RETRYABLE]);
        expect(plain.map((reply) => failureOf(reply).labels)).to.deep.equal([[], []]);
        expect(new Set([...inside, ...ends, retryable, ...plain].map((reply) => reply['code'] as number))).to.deep.equal(new Set([code]));
      });
    }

    for (const code of [112, 24, 267, 239, 246, 251]) {
      it(`label code ${code} inside a transaction, nowhere else`, async () => {
        const transaction = session.transaction(1n);
        succeeded(await transaction.run(insert('c', [{ _id: 2 }])));
        await fail(['insert', 'find'], { errorCode: code }, 'alwaysOn');

        const inside = [await transaction.run(insert('c', [{ _id: 3 }])), await transaction.run(find('c'))];
        const outside = [
          await db
            .session()
            .on(connection)
            .write(insert('c', [{ _id: 4 }])),
          await run(find('c')),
        ];

        expect(inside.map((reply) => failureOf(reply).labels)).to.deep.equal([[TRANSIENT], [TRANSIENT]]);
        expect(outside.map((reply) => failureOf(reply).labels)).to.deep.equal([[], []]);
      });
    }

    it('label 251, 112 and the snapshot codes at a commit as transient', async () => {
      const transaction = session.transaction(1n);
      succeeded(await transaction.run(insert('c', [{ _id: 2 }])));

      for (const errorCode of [251, 112, 239, 246]) {
        await fail(['commitTransaction'], { errorCode });
        expect(failureOf(await transaction.commit())).to.deep.include({ code: errorCode, labels: [TRANSIENT] });
      }
    });

    it('label other codes with nothing', async () => {
      const transaction = session.transaction(1n);
      succeeded(await transaction.run(insert('c', [{ _id: 2 }])));
      await fail(['insert', 'commitTransaction'], { errorCode: 8 }, 'alwaysOn');

      expect(failureOf(await transaction.run(insert('c', [{ _id: 3 }]))).labels).to.deep.equal([]);
      expect(failureOf(await transaction.commit()).labels).to.deep.equal([]);
    });

    it('put on the labels that they are given, none too, instead of those of the code', async () => {
      const transaction = session.transaction(1n);
      succeeded(await transaction.run(insert('c', [{ _id: 2 }])));
      const given: string[][] = [];
      for (const errorLabels of [['A', 'B'], []]) {
        await fail(['insert'], { errorCode: 10_107, errorLabels });
        given.push([...failureOf(await transaction.run(insert('c', [{ _id: 3 }]))).labels]);
      }

      expect(given).to.deep.equal([['A', 'B'], []]);
    });

    it('leave a transaction as it was: it goes on', async () => {
      const transaction = session.transaction(1n);
      succeeded(await transaction.run(insert('c', [{ _id: 2 }])));
      for (const errorCode of [112, 10_107, 8]) {
        await fail(['insert'], { errorCode });
        failureOf(await transaction.run(insert('c', [{ _id: 3 }])));
      }

      succeeded(await transaction.run(insert('c', [{ _id: 4 }])));
      succeeded(await transaction.commit());

      expect((await db.all('c')).map(({ _id }) => _id as number)).to.deep.equal([1, 2, 4]);
    });

    it('cut the connection before the command is carried out', async () => {
      await fail(['insert'], { closeConnection: true });

      const outcome = await ended(run(insert('c', [{ _id: 2 }])));

      expect(outcome).to.equal('cut');
      expect(await db.one('c', 2)).to.equal(undefined);
    });

    it('cut a commit off: it has not been carried out, and can be sent again', async () => {
      const transaction = session.transaction(1n);
      succeeded(await transaction.run(insert('c', [{ _id: 2 }])));
      await fail(['commitTransaction'], { closeConnection: true });

      expect(await ended(transaction.commit())).to.equal('cut');
      expect(await db.one('c', 2)).to.equal(undefined);
      const again = session.on(await server.connection());
      succeeded(await again.run({ commitTransaction: 1, txnNumber: 1n, autocommit: false }, { db: 'admin' }));

      expect(await db.one('c', 2)).to.deep.equal({ _id: 2 });
    });

    it('hold a command up, and then carry it out', async () => {
      await fail(['insert'], { blockConnection: true, blockTimeMS: 80 });
      const began = performance.now();

      const held = run(insert('c', [{ _id: 2 }]));
      expect(await db.one('c', 2)).to.equal(undefined);
      succeeded(await held);

      expect(performance.now() - began).to.be.within(75, 2_000);
      expect(await db.one('c', 2)).to.deep.equal({ _id: 2 });
    });

    it('hold a command up, and then let it fail', async () => {
      await fail(['insert'], { blockConnection: true, blockTimeMS: 50, errorCode: 8 });
      const began = performance.now();

      expect(failureOf(await run(insert('c', [{ _id: 2 }]))).code).to.equal(8);
      expect(performance.now() - began).to.be.at.least(45);
    });

    it('add a write concern error to a command that is carried out, and do not count one without write concern', async () => {
      await fail(['insert', 'ping'], { writeConcernError: { code: 91, errmsg: 'going away' } });
      succeeded(await run({ ping: 1 }));

      const reply = await session.write(insert('c', [{ _id: 2 }]));

      expect(reply).to.deep.include({ ok: 1, n: 1, errorLabels: [RETRYABLE] });
      expect(reply['writeConcernError']).to.deep.include({ code: 91 });
      expect(await db.one('c', 2)).to.deep.equal({ _id: 2 });
      succeeded(await run(insert('c', [{ _id: 3 }])));
    });

    it('add a write concern error to a commit, which is one all the same', async () => {
      const transaction = session.transaction(1n);
      succeeded(await transaction.run(insert('c', [{ _id: 2 }])));
      await fail(['commitTransaction'], {
        writeConcernError: { code: 64, codeName: 'WriteConcernTimeout', errmsg: 'waiting for replication timed out' },
      });

      const reply = await transaction.commit({ writeConcern: { w: 'majority', wtimeout: 1 } });

      expect(reply).to.include({ ok: 1 });
      expect(reply['writeConcernError']).to.deep.include({ code: 64 });
      expect(await db.one('c', 2)).to.deep.equal({ _id: 2 });
      succeeded(await transaction.commit());
    });

    it('give a getMore that fails no label of a change stream', async () => {
      const stream = await WatchedStream.open(server, { db: db.name });
      await fail(['getMore'], { errorCode: 6, appName: undefined });

      const reply = await stream.more();
      await stream.close();

      expect(failureOf(reply).labels).to.deep.equal([]);
    });

    it('failing a getMore that has found its cursor label what a change stream can go on after', async () => {
      await db.insert('c', ...Array.from({ length: 10 }, (_, index) => ({ _id: 100 + index })));
      const labels: (readonly string[])[] = [];
      for (const errorCode of [6, 10_107, 8]) {
        const stream = await WatchedStream.open(server, { db: db.name });
        await configure('failGetMoreAfterCursorCheckout', { times: 1 }, { errorCode });
        labels.push(failureOf(await stream.more()).labels);
        await stream.close();
      }
      const { cursor } = succeeded(await run(find('c', {}, { batchSize: 2 }))) as { cursor: { id: bigint } };
      await configure('failGetMoreAfterCursorCheckout', { times: 1 }, { errorCode: 6 });
      labels.push(failureOf(await run({ getMore: cursor.id, collection: 'c' })).labels);

      expect(labels).to.deep.equal([['ResumableChangeStreamError'], ['ResumableChangeStreamError'], [], []]);
    });

    it('onPrimaryTransactionalWrite cuts the connection behind a write that was carried out: the retry is answered from the record', async () => {
      for (const [number, command, left] of [
        [1n, update('c', { _id: 1 }, { $inc: { n: 1 } }), [{ _id: 1, n: 2 }]],
        [2n, findAndModify('c', { _id: 1 }, { update: { $inc: { n: 1 } } }), [{ _id: 1, n: 3 }]],
        [3n, insert('c', [{ _id: 2 }]), [{ _id: 1, n: 3 }, { _id: 2 }]],
        [4n, remove('c', { _id: 1 }), [{ _id: 2 }]],
      ] as const) {
        await configure('onPrimaryTransactionalWrite', { times: 1 });
        const elsewhere = await server.connection();

        expect(await ended(session.on(elsewhere).write(command, number))).to.equal('cut');
        expect(await db.all('c')).to.deep.equal(left);
        const retried = succeeded(await session.write(command, number));

        expect(retried['retriedStmtIds'] ?? [retried['retriedStmtId']]).to.deep.equal([0]);
        expect(await db.all('c')).to.deep.equal(left);
      }
    });

    it('onPrimaryTransactionalWrite may fail before anything is carried out: the retry is the first', async () => {
      await configure('onPrimaryTransactionalWrite', { times: 1 }, { failBeforeCommitExceptionCode: 1 });
      const elsewhere = await server.connection();

      await session
        .on(elsewhere)
        .write(insert('c', [{ _id: 2 }]), 1n)
        .catch(() => 'cut');
      expect(await db.one('c', 2)).to.equal(undefined);
      const retried = succeeded(await session.write(insert('c', [{ _id: 2 }]), 1n));

      expect(retried).to.not.have.property('retriedStmtIds');
      expect(await db.one('c', 2)).to.deep.equal({ _id: 2 });
    });

    it('onPrimaryTransactionalWrite leaves plain writes alone', async () => {
      await configure('onPrimaryTransactionalWrite', 'alwaysOn');

      succeeded(await run(insert('c', [{ _id: 2 }])));
    });

    it('are refused by an unknown name', async () => {
      expect([2, 249]).to.include(failureOf(await db.admin({ configureFailPoint: 'frobnicate', mode: 'alwaysOn' })).code);
    });

    it('failing a first operation open no transaction', async () => {
      await fail(['insert'], { errorCode: 112 });
      const transaction = session.transaction(1n);

      failureOf(await transaction.run(insert('c', [{ _id: 2 }])));

      expect(failureOf(await transaction.run(insert('c', [{ _id: 2 }])))).to.deep.equal(NO_SUCH_TRANSACTION);
    });
  });
}
