import { randomUUID } from 'node:crypto';
import { isWaybillError } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { PostgresDatabase } from '@waybill/postgres';
import { anAppend, anAttempt, deliverAll, eventually, leaseRoute, settleLane } from '@waybill/testing';
import { expect } from 'chai';
import { Pool } from 'pg';
import { postgresDatabase } from '../servers.js';
import { aRunningDispatcher, QUICKLY, stopDispatchers } from '../shop/dispatching.js';
import { Notebook, NoteWritten } from '../shop/notebook.js';
import { openShop } from './postgres-shop.js';
import type { PostgresShop } from './postgres-shop.js';

for (const level of ['repeatable read', 'serializable']) {
  describe(`a database whose default isolation level is ${level}`, function () {
    this.timeout(20_000);
    let url: string;
    before(async () => {
      url = await postgresDatabase();
      const admin = new Pool({ connectionString: url });
      await admin.query(`alter database ${new URL(url).pathname.slice(1)} set default_transaction_isolation = '${level}'`);
      await admin.end();
    });
    stopDispatchers();

    it('is migrated by processes that start together', async () => {
      const pool = new Pool({ connectionString: url });
      const processes = Array.from({ length: 3 }, () => new PostgresDatabase({ pool }));

      await Promise.all(processes.map((process) => process.migrate()));

      await processes[0]!.verify();
      await pool.end();
    });

    it('lets writers of one stream through one by one, and delivers all of them in order', async () => {
      const shop = await openShop({}, url);
      const sink = new InMemorySink({ needsWholeStreams: true });
      const dispatcher = await aRunningDispatcher({
        database: shop.database,
        catalogue: [NoteWritten],
        routes: { memory: { sink, retry: QUICKLY } },
        leaseMs: 300,
      });
      const write = async (writer: number): Promise<void> => {
        for (let note = 0; note < 10; note++)
          await shop.unitOfWork.run(
            async ({ find, track }) => ((await find(Notebook, '7')) ?? track(new Notebook('7'))).write(`${writer}`),
            {
              retryOnConflict: 200,
              idempotencyKey: `${writer} ${note}`,
            },
          );
      };

      await Promise.all(Array.from({ length: 4 }, (_, writer) => write(writer)));
      const { token } = await shop.unitOfWork.run(async ({ load }) => (await load(Notebook, '7')).write('last'), { retryOnConflict: 20 });
      await dispatcher.delivered(token, 'memory', { timeoutMs: 10_000 });

      expect([...new Set(sink.delivered.map(({ revision }) => revision))]).to.deep.equal(
        Array.from({ length: 41 }, (_, nth) => BigInt(nth)),
      );
      await dispatcher.stop();
      await shop.close();
    });

    it('lets processes of one connection each sign on, renew and settle side by side, without a failure', async () => {
      const shops = await Promise.all(Array.from({ length: 4 }, () => openShop({ lanes: 4, schema: 'crowd', max: 1 }, url)));
      const route = await leaseRoute(shops[0]!.database, { name: 'crowded', start: 'beginning' });
      const leases = route.held.map(({ lease }) => lease);
      const failures: unknown[] = [];
      const often = async (act: (nth: number) => Promise<unknown>): Promise<void> => {
        for (let nth = 0; nth < 40; nth++) await act(nth).catch((error: unknown) => failures.push(error));
      };

      await Promise.all([
        ...shops.flatMap(({ database }, process) => [
          often((nth) =>
            database.instances.beat({ route: 'crowded', id: `${process}-${nth % 3}`, name: 'host', aliveMs: nth % 2 ? 1 : 60_000 }),
          ),
          often(() => database.leases.renew(leases, 60_000)),
        ]),
        ...shops.map(({ database: { lanes } }, lane) =>
          often(() => settleLane({ ...route, lanes }, route.held[lane]!, { attempts: [anAttempt([randomUUID()])] })),
        ),
      ]);

      expect(failures.map(String)).to.deep.equal([]);
      for (const shop of shops) await shop.close();
    });

    it('removes messages beside writers that do not conflict with each other, and makes none of them fail', async () => {
      const shops = await Promise.all(Array.from({ length: 4 }, () => openShop({ lanes: 2, schema: 'kept', max: 1 }, url)));
      const [keeper, ...writers] = shops;
      const route = await leaseRoute(keeper!.database, { name: 'all', start: 'beginning' });
      const failures: unknown[] = [];
      let [writing, removed] = [true, 0];
      const write = async ({ database }: PostgresShop, stream: string): Promise<void> => {
        for (let nth = 0; nth < 40; nth++)
          await database.transactions
            .run((tx) => database.outbox.append([anAppend(stream, { expected: 'any' })], tx))
            .catch((error: unknown) => failures.push(error));
      };
      const remove = async (): Promise<void> => {
        while (writing) {
          await deliverAll(route);
          removed += await keeper!.database.retention.removeMessages({ olderThanMs: 0, most: 50 });
          await keeper!.database.retention.removeHistory({ olderThanMs: 0, most: 50 });
        }
      };

      await Promise.all([
        Promise.all(writers.map((shop, nth) => write(shop, `s-${nth}`))).finally(() => (writing = false)),
        remove().catch((error: unknown) => failures.push(error)),
      ]);

      expect(failures.map(String)).to.deep.equal([]);
      expect(removed).to.be.greaterThan(0);
      for (const shop of shops) await shop.close();
    });

    it('keeps what a route wants that was saved while the removal waited for it', async () => {
      const shop = await openShop({ schema: 'raced' }, url);
      const { transactions, outbox, retention } = shop.database;
      await transactions.run((tx) => outbox.append([anAppend('a-1')], tx));
      await deliverAll(await leaseRoute(shop.database, { name: 'one', start: 'beginning' }));
      const saver = await shop.pool.connect();
      await saver.query('begin');
      await saver.query(`insert into raced.route (route, message_order, start) values ('two', 'global', 'beginning')`);
      await saver.query(`insert into raced.lane (route, lane, window_from, floor, ceiling) values ('two', 0, '1:1:', 0, '0')`);

      const removing = retention.removeMessages({ olderThanMs: 0, most: 10 });
      await eventually('the removal waiting', async () => {
        const { rows } = await shop.pool.query(`select from pg_locks where not granted and relation = 'raced.route'::regclass`);
        return rows.length > 0 || undefined;
      });
      await saver.query('commit');
      saver.release();

      expect(await removing).to.equal(0);
      await shop.close();
    });

    it('gives a key to one of many requests at once, and tells the others of a conflict or of its outcome', async () => {
      const shop = await openShop({}, url);
      let runs = 0;

      const answers = await Promise.all(
        Array.from({ length: 6 }, () =>
          shop.unitOfWork
            .run(async ({ track }) => void (track(new Notebook('keyed')).write('once'), runs++), { idempotencyKey: 'key' })
            .then(
              () => 'answered',
              (error: unknown) => (isWaybillError(error, 'TRANSACTION_CONFLICT') ? 'conflict' : error),
            ),
        ),
      );

      expect(answers.filter((answer) => answer !== 'answered' && answer !== 'conflict')).to.deep.equal([]);
      const again = await shop.unitOfWork.run(async () => {}, { idempotencyKey: 'key' });
      expect({ runs, repeated: again.repeated, messages: again.messages.length }).to.deep.equal({ runs: 1, repeated: true, messages: 1 });
      await shop.close();
    });
  });
}
