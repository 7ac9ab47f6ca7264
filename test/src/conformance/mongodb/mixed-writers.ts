import { expect } from 'chai';
import type { Document } from 'bson';
import { after, before, beforeEach, describe, it } from 'mocha';
import { find, findAndModify, insert, update } from './commands.js';
import { documentsOf, failureOf, succeeded } from './replies.js';
import type { RawConnection } from './raw-connection.js';
import { RawSession } from './raw-session.js';
import type { Servers, ServerUnderTest } from './server-under-test.js';
import { settled } from './settled.js';
import type { TestDatabase } from './test-database.js';
import { WatchedStream } from './watched-stream.js';

const WRITERS = 6;
const TURNS = 12;
const COUNTERS = 3;

export function mixedWriters({ open }: Servers): void {
  describe('writers of every kind on the same documents', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;

    const increment = (counter: number): Document => update('c', { _id: counter }, { $inc: { n: 1 } });
    const counterOf = (writer: number, turn: number): number => (writer * 7 + turn * 5) % COUNTERS;
    const each = (work: (writer: number) => Promise<void>): Promise<void[]> =>
      Promise.all(Array.from({ length: WRITERS }, (_, writer) => work(writer)));
    const sumOf = (documents: readonly Document[]): number => documents.reduce((sum, { n }) => sum + (n as number), 0);

    /** A client that commits an increment and a note of it, however often it must try. */
    const transact = async (session: RawSession, writer: number, turn: number): Promise<void> => {
      for (;;) {
        const transaction = session.transaction();
        const written = await transaction.run(increment(counterOf(writer, turn)));
        const noted = written['ok'] === 1 ? await transaction.run(insert('notes', [{ writer, turn }])) : written;
        if (noted['ok'] === 1) return void succeeded(await transaction.commit());
        expect(failureOf(noted).labels).to.deep.equal(['TransientTransactionError']);
      }
    };

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(async () => {
      db = server.database();
      await db.insert('c', ...Array.from({ length: COUNTERS }, (_, _id) => ({ _id, n: 0 })));
      await db.create('notes');
    });

    it('lose nothing and double nothing, and tell change streams of each', async () => {
      const stream = await WatchedStream.open(server, { db: db.name, collection: 'c' });
      await Promise.all([
        each(async (writer) => {
          const session = db.session();
          for (let turn = 0; turn < TURNS; turn += 1) await transact(session, writer, turn);
        }),
        each(async (writer) => {
          for (let turn = 0; turn < TURNS; turn += 1) succeeded(await db.run(increment(counterOf(writer, turn))));
        }),
        each(async (writer) => {
          const session = db.session();
          for (let turn = 0; turn < TURNS; turn += 1)
            succeeded(await session.write(findAndModify('c', { _id: counterOf(writer, turn) }, { update: { $inc: { n: 1 } } })));
        }),
      ]);

      const events = await stream.next(3 * WRITERS * TURNS);
      await stream.close();

      expect(sumOf(await db.all('c'))).to.equal(3 * WRITERS * TURNS);
      expect(documentsOf(await db.run(find('notes', {}, { batchSize: 1_000 })))).to.have.length(WRITERS * TURNS);
      const told = new Map<number, number>();
      for (const event of events) {
        const { n } = (event['updateDescription'] as { updatedFields: { n: number } }).updatedFields;
        const { _id } = event['documentKey'] as { _id: number };
        expect(n).to.equal((told.get(_id) ?? 0) + 1); // in the order of the commits, none left out
        told.set(_id, n);
      }
    });

    it('apply each retryable write once, wherever the connection breaks', async () => {
      await each(async (writer) => {
        const lsid = db.session().lsid;
        for (let turn = 1; turn <= TURNS; turn += 1) {
          const command = increment(counterOf(writer, turn));
          for (let attempt = 0; ; attempt += 1) {
            const connection = await server.connection();
            const answer = new RawSession(connection, db.name, lsid).write(command, BigInt(turn));
            if (attempt < 2) await cutSoon(connection, (writer + turn + attempt) % 3);
            const reply = await answer.catch(() => undefined);
            await connection.close();
            if (reply) {
              succeeded(reply);
              break;
            }
          }
        }
      });

      expect(sumOf(await db.all('c'))).to.equal(WRITERS * TURNS);
    });

    it('commit once, wherever the connection breaks', async () => {
      await each(async (writer) => {
        const session = db.session();
        for (let turn = 0; turn < TURNS; turn += 1) {
          const transaction = session.transaction();
          succeeded(await transaction.run(insert('notes', [{ writer, turn }])));
          const connection = await server.connection();
          const end = { commitTransaction: 1, lsid: session.lsid, txnNumber: transaction.txnNumber, autocommit: false };
          const first = connection.run('admin', end).catch(() => undefined);
          await cutSoon(connection, (writer + turn) % 3);
          await first;
          succeeded(await transaction.commit());
        }
      });

      const notes = documentsOf(await db.run(find('notes', {}, { batchSize: 1_000 }))) as unknown as { writer: number; turn: number }[];
      expect(new Set(notes.map(({ writer, turn }) => `${writer}-${turn}`)).size).to.equal(WRITERS * TURNS);
      expect(notes).to.have.length(WRITERS * TURNS);
    });

    /** Cuts at once, in the next moment, or after a while. */
    const cutSoon = async (connection: RawConnection, when: number): Promise<void> => {
      if (when === 1) await new Promise((resolve) => setImmediate(resolve));
      if (when === 2) await settled(3);
      connection.cut();
    };
  });
}
