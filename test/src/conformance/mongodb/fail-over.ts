import type { Document, ObjectId } from 'bson';
import { eventually } from '@waybill/testing';
import { expect } from 'chai';
import { after, before, beforeEach, describe } from 'mocha';
import { aggregate, find, insert, update } from './commands.js';
import { documentsOf, failureOf, NO_SUCH_TRANSACTION, succeeded } from './replies.js';
import { RawConnection } from './raw-connection.js';
import type { RawSession } from './raw-session.js';
import type { Servers, ServerUnderTest } from './server-under-test.js';
import { settled, stillWaits } from './settled.js';
import type { TestDatabase } from './test-database.js';
import { WatchedStream } from './watched-stream.js';

const STEPPED_DOWN_MS = 150;

export function failOver({ open, itOnEmulator }: Servers): void {
  describe('a primary that steps down', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;

    const counterOf = ({ topologyVersion }: Document): bigint => (topologyVersion as { counter: bigint }).counter;
    const primaryAgain = async (): Promise<Document> => {
      for (;;) {
        const hello = await db.admin({ hello: 1 });
        if (hello['isWritablePrimary']) return hello;
        await settled(10);
      }
    };

    const increment = update('c', { _id: 1 }, { $inc: { n: 1 } });
    const writeRetryably = async (session: RawSession): Promise<void> => {
      const number = session.nextNumber();
      for (;;) {
        const reply = await session.write(increment, number);
        if (reply['ok'] === 1) return void succeeded(reply);
        expect(failureOf(reply).labels).to.deep.equal(['RetryableWriteError']);
        await settled(2);
      }
    };
    const transact = async (session: RawSession): Promise<void> => {
      for (;;) {
        const transaction = session.transaction();
        const written = await transaction.run(increment);
        let end = written['ok'] === 1 ? await transaction.commit() : written;
        while (end['ok'] === 0 && failureOf(end).labels.includes('RetryableWriteError')) end = await transaction.commit();
        if (end['ok'] === 1) return;
        expect(failureOf(end).labels).to.deep.equal(['TransientTransactionError']);
        await settled(2);
      }
    };

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(async () => {
      db = server.database();
      await db.insert('c', { _id: 1, n: 1 });
    });

    itOnEmulator('refuses new writes with 10107, and is primary again of a later election', async () => {
      const before = await db.admin({ hello: 1 });

      const steppedDown = server.emulator.stepDown(STEPPED_DOWN_MS);
      const during = await db.admin({ hello: 1 });
      const plain = await db.run(insert('c', [{ _id: 2 }]));
      const retryable = await db.session().write(insert('c', [{ _id: 2 }]));
      const transactional = await db.transaction().run(insert('c', [{ _id: 2 }]));
      await steppedDown;
      const afterwards = await primaryAgain();

      expect(before).to.include({ isWritablePrimary: true });
      expect(during).to.include({ isWritablePrimary: false });
      expect(failureOf(plain)).to.deep.equal({ code: 10_107, codeName: 'NotWritablePrimary', labels: [] });
      expect(failureOf(retryable)).to.deep.equal({ code: 10_107, codeName: 'NotWritablePrimary', labels: ['RetryableWriteError'] });
      expect(failureOf(transactional)).to.deep.include({ code: 10_107, labels: ['TransientTransactionError'] });
      for (const reply of [plain, retryable, transactional]) expect(counterOf(reply) > counterOf(before)).to.equal(true);
      expect((afterwards['electionId'] as ObjectId).toHexString() > (before['electionId'] as ObjectId).toHexString()).to.equal(true);
      expect(counterOf(afterwards) > counterOf(during)).to.equal(true);
      expect(await db.all('c')).to.deep.equal([{ _id: 1, n: 1 }]);
    });

    itOnEmulator('interrupts what is under way with 11602, and aborts what is open', async () => {
      const transaction = db.transaction();
      succeeded(await transaction.run(update('c', { _id: 1 }, { $inc: { n: 1 } })));
      const plain = db.run(update('c', { _id: 1 }, { $inc: { n: 10 } }));
      const retryable = db.session().write(update('c', { _id: 1 }, { $inc: { n: 10 } }));
      expect(await stillWaits(Promise.race([plain, retryable]))).to.equal(true);

      const steppedDown = server.emulator.stepDown(STEPPED_DOWN_MS);
      const interrupted = [await plain, await retryable];
      await steppedDown;
      await primaryAgain();

      expect(interrupted.map((reply) => failureOf(reply))).to.deep.equal([
        { code: 11_602, codeName: 'InterruptedDueToReplStateChange', labels: [] },
        { code: 11_602, codeName: 'InterruptedDueToReplStateChange', labels: ['RetryableWriteError'] },
      ]);
      for (const reply of interrupted) expect(reply).to.have.property('topologyVersion');
      expect(failureOf(await transaction.commit())).to.deep.equal(NO_SUCH_TRANSACTION);
      expect(await db.one('c', 1)).to.deep.equal({ _id: 1, n: 1 });
    });

    itOnEmulator('remembers retryable writes and finished transactions', async () => {
      const session = db.session();
      const transaction = db.transaction();
      succeeded(await session.write(update('c', { _id: 1 }, { $inc: { n: 1 } }), 1n));
      succeeded(await transaction.run(insert('c', [{ _id: 2 }])));
      succeeded(await transaction.commit());

      await server.emulator.stepDown(20);
      await primaryAgain();

      expect(succeeded(await session.write(update('c', { _id: 1 }, { $inc: { n: 1 } }), 1n))).to.deep.include({
        n: 1,
        retriedStmtIds: [0],
      });
      succeeded(await transaction.commit());
      expect(await db.one('c', 1)).to.deep.equal({ _id: 1, n: 2 });
    });

    itOnEmulator('again and again loses nothing and doubles nothing of clients that try again', async () => {
      const stillUp = new AbortController();
      const writers = Promise.all(
        [1, 2, 3, 4].map(async (writer) => {
          let done = 0;
          for (const session = db.session(); !stillUp.signal.aborted; done += 1)
            await (writer % 2 ? writeRetryably(session) : transact(session));
          return done;
        }),
      );
      for (let turn = 0; turn < 4; turn += 1) {
        await settled(20);
        await server.emulator.stepDown(10);
      }
      stillUp.abort();
      const total = (await writers).reduce((sum, done) => sum + done, 0);

      expect((await db.one('c', 1))!['n']).to.equal(1 + total);
      expect(total).to.be.above(4);
    });

    itOnEmulator('can be told to by a command', async () => {
      const before = await db.admin({ hello: 1 });

      await db.admin({ replSetStepDown: 1, force: true }).catch(() => 'cut');
      const afterwards = await primaryAgain();

      expect((afterwards['electionId'] as ObjectId).toHexString() > (before['electionId'] as ObjectId).toHexString()).to.equal(true);
      succeeded(await db.run(insert('c', [{ _id: 2 }])));
    });

    itOnEmulator('tells a streaming monitor at once', async () => {
      const monitor = await server.connection();
      const { topologyVersion } = monitor.hello;
      monitor.send('admin', { hello: 1, maxAwaitTimeMS: 10_000, topologyVersion: topologyVersion as Document }, { exhaustAllowed: true });

      const steppedDown = server.emulator.stepDown(STEPPED_DOWN_MS);
      const { document } = await monitor.unasked();
      await steppedDown;

      expect(document).to.include({ isWritablePrimary: false });
      for (;;) if ((await monitor.unasked()).document['isWritablePrimary']) break;
    });
  });

  describe('a server that dies', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(async () => {
      db = server.database();
      await db.insert('c', { _id: 1, n: 1 });
    });

    itOnEmulator('cuts what is under way, forgets what is open, and keeps what is committed', async () => {
      const session = db.session();
      const transaction = db.transaction();
      succeeded(await session.write(update('c', { _id: 1 }, { $inc: { n: 1 } }), 1n));
      succeeded(await transaction.run(update('c', { _id: 1 }, { $inc: { n: 100 } })));
      const waiting = db.run(update('c', { _id: 1 }, { $inc: { n: 10 } })).then(
        () => 'answered',
        () => 'cut',
      );
      expect(await stillWaits(waiting)).to.equal(true);

      await server.emulator.kill();
      expect(await waiting).to.equal('cut');
      const refused = await RawConnection.open(server.url).then(
        () => 'connected',
        () => 'refused',
      );
      await server.restart();

      expect(refused).to.equal('refused');
      expect(await db.one('c', 1)).to.deep.equal({ _id: 1, n: 2 });
      expect(failureOf(await transaction.commit())).to.deep.equal(NO_SUCH_TRANSACTION);
      expect(succeeded(await session.write(update('c', { _id: 1 }, { $inc: { n: 1 } }), 1n))).to.deep.include({ retriedStmtIds: [0] });
    });

    itOnEmulator('keeps a commit whose answer was lost, and says so to the repetition', async () => {
      const transaction = db.transaction();
      succeeded(await transaction.run(insert('c', [{ _id: 2 }])));
      succeeded(await transaction.commit());
      await server.restart();

      succeeded(await transaction.commit());

      expect(await db.one('c', 2)).to.deep.equal({ _id: 2 });
    });

    itOnEmulator('may lose what it had not acknowledged, never what it had', async () => {
      const connection = await server.connection();
      const acknowledged: number[] = [];
      let next = 2;
      const writing = (async () => {
        for (;;) {
          const _id = next++;
          succeeded(await connection.run(db.name, insert('c', [{ _id }])));
          acknowledged.push(_id);
        }
      })().catch(() => 'cut');
      await settled(30);

      await server.restart({ loseUnacknowledged: true });
      await writing;

      const stored = (await db.all('c')).map(({ _id }) => _id as number);
      expect(stored).to.include.members(acknowledged);
      expect(stored.length - 1 - acknowledged.length).to.be.within(0, 1);
    });

    for (const loseUnacknowledged of [false, true]) {
      itOnEmulator(
        `is asked again by its clients, and has done everything once (loses what it had not acknowledged: ${loseUnacknowledged})`,
        async () => {
          const clients = Array.from({ length: 6 }, () => ({ session: db.session(), acknowledged: 0 }));
          const write = (session: RawSession, turn: number): Promise<Document> =>
            session.write(update('c', { _id: 1 }, { $inc: { n: 1 } }), BigInt(turn));
          const killed = new AbortController();
          const work = clients.map(async (client) => {
            while (!killed.signal.aborted) {
              succeeded(await write(client.session, client.acknowledged + 1));
              client.acknowledged += 1;
            }
          });
          const ended = Promise.allSettled(work); // most of them by a cut connection
          await eventually('a first answer', async () => (clients.some(({ acknowledged }) => acknowledged > 0) ? true : undefined));
          await settled(20);
          killed.abort();
          await server.restart({ loseUnacknowledged });
          await ended;

          for (const { session, acknowledged } of clients) succeeded(await write(session, acknowledged + 1));

          const asked = clients.reduce((sum, { acknowledged }) => sum + acknowledged + 1, 0);
          expect((await db.one('c', 1))!['n']).to.equal(1 + asked);
          expect(asked).to.be.above(6);
        },
      );
    }

    itOnEmulator('goes on with cluster time, and with change streams from their tokens', async () => {
      const stream = await WatchedStream.open(server, { db: db.name });
      const { operationTime } = succeeded(await db.run(insert('c', [{ _id: 2 }])));
      await db.insert('c', { _id: 3 });
      const [first] = await stream.next(1);
      await server.restart();

      const { operationTime: later } = succeeded(await db.run(insert('c', [{ _id: 4 }])));
      const resumed = await WatchedStream.open(server, { db: db.name, stage: { resumeAfter: first!['_id'] as Document } });
      const events = await resumed.next(2);
      await resumed.close();

      expect((later as { toBigInt(): bigint }).toBigInt() > (operationTime as { toBigInt(): bigint }).toBigInt()).to.equal(true);
      expect(events.map(({ documentKey }) => (documentKey as Document)['_id'] as number)).to.deep.equal([3, 4]);
    });

    itOnEmulator('has a later election id when it is back', async () => {
      const before = await db.admin({ hello: 1 });
      await server.restart();

      const afterwards = await db.admin({ hello: 1 });

      expect((afterwards['electionId'] as ObjectId).toHexString() > (before['electionId'] as ObjectId).toHexString()).to.equal(true);
      expect(afterwards['me']).to.equal(before['me']);
    });

    itOnEmulator('knows no cursor any more', async () => {
      await db.insert('c', { _id: 2 }, { _id: 3 });
      const { cursor } = succeeded(await db.run(find('c', {}, { batchSize: 1 })));
      await server.restart();

      const reply = await db.run({ getMore: (cursor as { id: bigint }).id, collection: 'c' });

      expect(failureOf(reply)).to.deep.equal({ code: 43, codeName: 'CursorNotFound', labels: [] });
    });

    itOnEmulator('or freezes: takes what comes, answers nothing, and goes on where it was', async () => {
      server.emulator.freeze();
      const asked = db.run(insert('c', [{ _id: 2 }]));
      expect(await stillWaits(asked)).to.equal(true);

      server.emulator.thaw();

      succeeded(await asked);
      expect(documentsOf(await db.run(aggregate('c', [{ $count: 'n' }])))).to.deep.equal([{ n: 2 }]);
    });
  });
}
