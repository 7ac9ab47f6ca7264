import { expect } from 'chai';
import { after, before, beforeEach, describe, it } from 'mocha';
import type { Document, Long, Timestamp } from 'bson';
import { find, insert, update } from './commands.js';
import { documentsOf, succeeded } from './replies.js';
import type { Servers, ServerUnderTest } from './server-under-test.js';
import type { TestDatabase } from './test-database.js';
import { WatchedStream } from './watched-stream.js';

const COMMITS = 60;
const DOCUMENTS = 20;

export function wholeCommits({ open }: Servers): void {
  describe('nobody sees half a commit', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;
    const ids = Array.from({ length: DOCUMENTS }, (_, index) => index);

    /** Sets every document of both collections to the same number, again and again, while the readers look. */
    const whileCommitting = async (read: () => Promise<void>): Promise<number> => {
      let writing = true;
      let reads = 0;
      const reader = async (): Promise<void> => {
        while (writing) {
          await read();
          reads += 1;
        }
      };
      const readers = [reader(), reader(), reader()];
      try {
        for (let n = 1; n <= COMMITS; n += 1) await setAll(n);
      } finally {
        writing = false;
      }
      await Promise.all(readers);
      return reads;
    };
    /** Goes on over conflicts with its own last commit: it is the readers who are to notice a torn one. */
    const setAll = async (n: number): Promise<void> => {
      const transaction = db.transaction();
      for (const collection of n % 2 === 0 ? ['a', 'b'] : ['b', 'a']) {
        const reply = await transaction.run(update(collection, {}, { $set: { n } }, { multi: true }));
        if (reply['code'] === 112) return setAll(n);
        succeeded(reply);
      }
      succeeded(await transaction.commit());
    };
    const numbersOf = (reply: Document): number[] => [...new Set(documentsOf(reply).map(({ n }) => n as number))];

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(async () => {
      db = server.database();
      for (const collection of ['a', 'b']) await db.insert(collection, ...ids.map((_id) => ({ _id, n: 0 })));
    });

    it('in one plain find', async () => {
      const reads = await whileCommitting(async () => {
        expect(numbersOf(await db.run(find('a')))).to.have.length(1);
      });

      expect(reads).to.be.above(10);
    });

    it('in plain reads of two collections, one after the other: the second shows no older state', async () => {
      const reads = await whileCommitting(async () => {
        for (const [first, second] of [
          ['a', 'b'],
          ['b', 'a'],
        ] as const) {
          const [earlier] = numbersOf(await db.run(find(first, { _id: 0 })));
          const [later] = numbersOf(await db.run(find(second, { _id: DOCUMENTS - 1 })));
          expect(later).to.be.at.least(earlier!);
        }
      });

      expect(reads).to.be.above(10);
    });

    it('in transactions that read two collections', async () => {
      const reads = await whileCommitting(async () => {
        const transaction = db.transaction();
        const a = numbersOf(await transaction.run(find('a')));
        const b = numbersOf(await transaction.run(find('b')));
        succeeded(await transaction.commit());

        expect(a).to.have.length(1);
        expect(b).to.deep.equal(a);
      });

      expect(reads).to.be.above(10);
    });

    it('in plain reads at level snapshot, at one time', async () => {
      const reads = await whileCommitting(async () => {
        const first = succeeded(await db.run(find('a', {}, { readConcern: { level: 'snapshot' } })));
        const { atClusterTime } = first['cursor'] as { atClusterTime: Timestamp };
        const second = await db.run(find('b', {}, { readConcern: { level: 'snapshot', atClusterTime } }));

        expect(numbersOf(first)).to.have.length(1);
        expect(numbersOf(second)).to.deep.equal(numbersOf(first));
      });

      expect(reads).to.be.above(10);
    });

    it('in a change stream: all its events at one clusterTime, in the order of the writes, with session and number', async () => {
      const stream = await WatchedStream.open(server, { db: db.name });
      const transaction = db.transaction();
      succeeded(await transaction.run(insert('a', [{ _id: 'first' }])));
      succeeded(await transaction.run(update('b', { _id: 0 }, { $set: { n: 7 } })));
      succeeded(await transaction.run(insert('a', [{ _id: 'second' }, { _id: 'third' }])));
      await db.insert('b', { _id: 'in between' });
      succeeded(await transaction.commit());

      const [between, ...events] = await stream.next(5);

      expect(between!['documentKey']).to.deep.equal({ _id: 'in between' });
      expect(events.map(({ operationType, documentKey }) => [operationType, (documentKey as Document)['_id']] as unknown[])).to.deep.equal([
        ['insert', 'first'],
        ['update', 0],
        ['insert', 'second'],
        ['insert', 'third'],
      ]);
      const times = new Set(events.map(({ clusterTime }) => (clusterTime as Timestamp).toBigInt()));
      expect(times.size).to.equal(1);
      expect((events[0]!['clusterTime'] as Timestamp).gt(between!['clusterTime'] as Long)).to.equal(true);
      for (const event of events) {
        expect(event).to.deep.include({ txnNumber: transaction.txnNumber });
        expect(String((event['lsid'] as Document)['id'])).to.equal(String(transaction.session.lsid['id']));
      }
      expect(between).to.not.have.any.keys('lsid', 'txnNumber');
      await stream.close();
    });

    it('in a change stream while others commit: the events of a commit come together', async () => {
      const stream = await WatchedStream.open(server, { db: db.name });
      const writer = async (name: string): Promise<void> => {
        for (let round = 0; round < 10; round += 1) {
          const transaction = db.transaction();
          for (let part = 0; part < 3; part += 1)
            succeeded(
              await transaction.run(insert(part % 2 ? 'a' : 'b', [{ _id: `${name}-${round}-${part}`, of: `${name}-${round}`, part }])),
            );
          succeeded(await transaction.commit());
        }
      };
      await Promise.all(['w', 'x', 'y', 'z'].map(writer));

      const events = await stream.next(4 * 10 * 3);
      await stream.close();

      for (let index = 0; index < events.length; index += 3) {
        const group = events.slice(index, index + 3);
        expect(new Set(group.map(({ fullDocument }) => (fullDocument as { of: string }).of)).size).to.equal(1);
        expect(new Set(group.map(({ clusterTime }) => (clusterTime as Timestamp).toBigInt())).size).to.equal(1);
        expect(group.map(({ fullDocument }) => (fullDocument as { part: number }).part)).to.deep.equal([0, 1, 2]);
      }
    });

    it('in a change stream of one that was aborted: nothing', async () => {
      const stream = await WatchedStream.open(server, { db: db.name });
      const transaction = db.transaction();
      succeeded(await transaction.run(insert('a', [{ _id: 'never' }])));
      succeeded(await transaction.abort());
      await db.insert('a', { _id: 'marker' });

      const [event] = await stream.next(1);
      await stream.close();

      expect(event!['documentKey']).to.deep.equal({ _id: 'marker' });
    });

    it('in a sum that only moves: transfers between accounts, with losers that try again', async () => {
      const transfer = async (from: number, to: number): Promise<void> => {
        for (const session = db.session(); ;) {
          const transaction = session.transaction();
          const taken = await transaction.run(update('a', { _id: from }, { $inc: { n: -1 } }));
          const given = taken['ok'] === 1 ? await transaction.run(update('b', { _id: to }, { $inc: { n: 1 } })) : taken;
          if (given['ok'] === 1) return void succeeded(await transaction.commit());
          expect(given).to.include({ code: 112 });
        }
      };
      const audit = async (): Promise<void> => {
        const transaction = db.transaction();
        const accounts = [...documentsOf(await transaction.run(find('a'))), ...documentsOf(await transaction.run(find('b')))];
        succeeded(await transaction.commit());
        expect(accounts.reduce((sum, { n }) => sum + (n as number), 0)).to.equal(0);
      };
      const works = ids.flatMap((_, turn) => [transfer(turn % 3, turn % 2), transfer(turn % 2, turn % 3), audit()]);

      await Promise.all(works);
      await audit();

      const moved = (await db.all('b')).reduce((sum, { n }) => sum + (n as number), 0);
      expect(moved).to.equal(2 * DOCUMENTS);
    });
  });
}
