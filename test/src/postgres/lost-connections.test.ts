import { Dispatcher, isWaybillError } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { expect } from 'chai';
import { postgresDatabase } from '../servers.js';
import { CommitCutter } from './commit-cutter.js';
import { Notebook, NoteWritten } from '../shop/notebook.js';
import { openShop } from './postgres-shop.js';

describe('connections to PostgreSQL that are lost', function () {
  this.timeout(60_000);

  it('double and lose nothing, whatever was going on', async () => {
    const shop = await openShop();
    const killer = await openShop({}, shop.url);
    const sink = new InMemorySink({ needsWholeStreams: true });
    const dispatcher = new Dispatcher({
      database: shop.database,
      catalogue: [NoteWritten],
      routes: { memory: { sink, retry: { firstMs: 5, maxMs: 20 } } },
      pollMs: 50,
    });
    await dispatcher.start();
    const [notebooks, notes, kills] = [8, 25, 12];

    // Each note is written until a commit of it is confirmed, under a key that makes a repeat harmless.
    const write = async (id: string, text: string): Promise<void> => {
      for (;;) {
        try {
          await shop.unitOfWork.run(async ({ find, track }) => ((await find(Notebook, id)) ?? track(new Notebook(id))).write(text), {
            idempotencyKey: `${id} ${text}`,
          });
          return;
        } catch (error) {
          if (!isWaybillError(error, 'DATABASE_UNAVAILABLE') && !isWaybillError(error, 'COMMIT_OUTCOME_UNKNOWN')) throw error;
        }
      }
    };
    const writing = Array.from({ length: notebooks }, async (_, id) => {
      for (let note = 0; note < notes; note++) await write(String(id), `note ${note}`);
    });
    const killing = (async () => {
      for (let kill = 0; kill < kills; kill++) {
        await killer.pool.query(
          'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
        );
        await new Promise((resolve) => setTimeout(resolve, 20 + kill));
      }
    })();
    await Promise.all([...writing, killing]);
    const { token } = await shop.unitOfWork.run(async ({ load }) => {
      for (let id = 0; id < notebooks; id++) (await load(Notebook, String(id))).write('last');
    });
    await dispatcher.delivered(token, 'memory', { timeoutMs: 20_000 });

    const expected = [...Array.from({ length: notes }, (_, note) => `note ${note}`), 'last'];
    for (let id = 0; id < notebooks; id++) {
      expect(sink.events(`notebook-${id}`).map(({ data }) => (data as { text: string }).text)).to.deep.equal(expected);
    }
    await dispatcher.stop();
    await Promise.all([shop.close(), killer.close()]);
  });

  for (const [request, outcome] of [
    ['carried-out', 'takes it for committed'],
    ['lost', 'says that nothing was committed'],
  ] as const) {
    it(`at a commit that was ${request}: the unit of work finds out, and ${outcome}`, async () => {
      const cutter = await CommitCutter.before(await postgresDatabase());
      const shop = await openShop({ listen: false }, cutter.url);
      const notebook = new Notebook('7');
      notebook.write('once');

      cutter.cutNextCommit(request);
      const error: unknown = await shop.unitOfWork
        .run(async ({ track }) => void track(notebook))
        .then(
          () => undefined,
          (thrown: unknown) => thrown,
        );

      expect((error as { code?: string } | undefined)?.code).to.equal(request === 'carried-out' ? undefined : 'DATABASE_UNAVAILABLE');
      expect(notebook.pending).to.have.length(request === 'carried-out' ? 0 : 1);
      const stored = await shop.unitOfWork.run(async ({ find }) => (await find(Notebook, '7'))?.texts);
      expect(stored.result).to.deep.equal(request === 'carried-out' ? ['once'] : undefined);
      await shop.close();
      await cutter.close();
    });
  }

  it('leaves unknown what became of a transaction whose id this server has not given yet', async () => {
    const shop = await openShop();

    expect(await shop.database.transactions.outcome('99999999999')).to.equal('unknown');

    await shop.close();
  });
});
