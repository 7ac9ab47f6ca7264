import { isWaybillError } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { PostgresDatabase } from '@waybill/postgres';
import { expect } from 'chai';
import { Pool } from 'pg';
import { postgresDatabase } from '../servers.js';
import { aRunningDispatcher, QUICKLY, stopDispatchers } from '../shop/dispatching.js';
import { Notebook, NoteWritten } from '../shop/notebook.js';
import { openShop } from './postgres-shop.js';

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
