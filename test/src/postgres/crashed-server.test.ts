import { Dispatcher } from '@waybill/core';
import type { Receipt } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { startPostgres } from '@waybill/local-servers';
import type { LocalPostgres } from '@waybill/local-servers';
import { anAppend } from '@waybill/testing';
import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { failureOf } from '../shop/failure-of.js';
import { Notebook, NoteWritten } from '../shop/notebook.js';
import { openShop } from './postgres-shop.js';
import type { PostgresShop } from './postgres-shop.js';

// PostgreSQL writes the end of a rolled-back transaction to disk when it likes. After a crash it gives such ids again, to transactions
// that a snapshot from before the crash holds for past. `wal_writer_delay` makes "when it likes" long enough to show it every time.
describe('a PostgreSQL server that crashes and recovers', function () {
  this.timeout(60_000);
  let server: LocalPostgres;
  let shop: PostgresShop;

  before(function () {
    if (process.env['POSTGRES_URL']) this.skip(); // somebody's server is not ours to crash
  });
  beforeEach(async () => {
    server = await startPostgres({ durable: true, settings: { wal_writer_delay: '10s' } });
    shop = await openShop({ lanes: 1, listen: false }, await server.createDatabase());
  });
  afterEach(async () => {
    await shop.close();
    await server.stop();
  });

  async function rollBack(times: number): Promise<string> {
    let transactionId = '';
    for (let nth = 0; nth < times; nth++) {
      const rolledBack = shop.database.transactions.run(async (tx) => {
        ({ transactionId } = await shop.database.outbox.append([anAppend(`rolled-${nth}`)], tx));
        throw new Error('rolled back');
      });
      await rolledBack.catch(() => {});
    }
    return transactionId;
  }
  async function crash(): Promise<void> {
    const { rows } = await shop.pool.query<{ pid: number }>('select pg_backend_pid() as pid');
    process.kill(rows[0]!.pid, 'SIGKILL');
  }
  async function commitAfterTheCrash(id: string): Promise<Receipt> {
    for (;;) {
      const receipt = await shop.unitOfWork.run(async ({ track }) => void track(new Notebook(id)).write('after')).catch(() => undefined);
      if (receipt) return receipt;
      await sleep(5); // it is still recovering
    }
  }

  it('has every message delivered that is committed afterwards, though their transaction ids were seen to pass before', async () => {
    const sink = new InMemorySink();
    const dispatcher = new Dispatcher({ database: shop.database, catalogue: [NoteWritten], routes: { memory: { sink } }, pollMs: 20 });
    await dispatcher.start();
    await dispatcher.delivered(await shop.unitOfWork.run(async ({ track }) => void track(new Notebook('before')).write('x')), 'memory');
    await rollBack(6);
    const looked = await shop.database.wakeUps.pulse();
    await sleep(200); // ten polls: the idle lane has looked at that, and found nothing
    expect(await shop.database.wakeUps.pulse()).to.equal(looked);

    await crash();
    const receipts = [];
    for (let nth = 0; nth < 6; nth++) receipts.push(await commitAfterTheCrash(String(nth)));

    for (const receipt of receipts) expect(await dispatcher.delivered(receipt, 'memory', { timeoutMs: 10_000 })).to.equal('delivered');
    expect(new Set(sink.delivered.map(({ stream }) => stream)).size).to.equal(7);
    await dispatcher.stop();
  });

  it('takes no settlement of what was read before', async () => {
    const { routes, leases, lanes } = shop.database;
    const route = { name: 'memory', order: 'stream', selection: {}, start: 'beginning' } as const;
    await routes.save(route);
    const [grant] = await leases.acquire({ route: 'memory', owner: 'me', leaseMs: 60_000, most: 1 });
    await rollBack(3);
    const page = await lanes.read({ ...route, route: 'memory', lane: 0, after: grant!.progress.checkpoint, limit: 10 });

    await crash();
    const receipt = await commitAfterTheCrash('7');
    await failureOf('DATABASE_UNAVAILABLE', () =>
      lanes.settle(grant!.lease, { checkpoint: page.through, state: 'running', failure: undefined, suspects: 0 }),
    );

    await lanes.settle(grant!.lease, { ...grant!.progress, state: 'waiting' }); // the place that is stored is as good as ever
    const again = await lanes.read({ ...route, route: 'memory', lane: 0, after: grant!.progress.checkpoint, limit: 10 });
    expect(again.rows.map(({ id }) => id)).to.deep.equal(receipt.messages.map(({ id }) => id));
    await lanes.settle(grant!.lease, { checkpoint: again.through, state: 'running', failure: undefined, suspects: 0 });
  });

  it('takes no transaction for committed because another one got its id', async () => {
    const lost = await rollBack(1);

    await crash();
    await commitAfterTheCrash('7');
    await commitAfterTheCrash('8');

    expect(await shop.database.transactions.outcome(lost)).to.equal('rolled-back');
  });
});
