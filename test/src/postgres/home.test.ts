import { Dispatcher } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { expect } from 'chai';
import { postgresDatabase } from '../servers.js';
import { failureOf } from '../shop/failure-of.js';
import { Notebook, NoteWritten } from '../shop/notebook.js';
import { openShop } from './postgres-shop.js';

const dispatcherOn = ({ database }: Awaited<ReturnType<typeof openShop>>, sink: InMemorySink): Dispatcher =>
  new Dispatcher({ database, catalogue: [NoteWritten], routes: { memory: { sink } } });

describe('where an outbox is at home', () => {
  it('is the database it was made in: a clone of it is refused, and delivers nothing', async () => {
    const original = await openShop();
    await original.unitOfWork.run(async ({ track }) => track(new Notebook('7')).write('x'));
    await original.close();
    const elsewhere = new URL(await postgresDatabase());
    const [copy, from] = [`copy_of_${new URL(original.url).pathname.slice(1)}`, new URL(original.url).pathname.slice(1)];
    const admin = await openShop({ schema: 'other' }, elsewhere.href);
    await admin.pool.query(`create database ${copy} template ${from}`);
    elsewhere.pathname = `/${copy}`;
    const clone = await openShop({}, elsewhere.href);
    const sink = new InMemorySink();

    const error = await failureOf('DATABASE_REPLACED', () => dispatcherOn(clone, sink).start());

    expect(error.message).to.contain('another database of this cluster').and.to.contain('Before you restore');
    expect(sink.delivered).to.deep.equal([]);
    await clone.close();
    await admin.pool.query(`drop database ${copy}`);
    await admin.close();
  });

  for (const [what, change, found] of [
    ['another cluster', `update waybill.identity set system_identifier = '1'`, 'another PostgreSQL cluster'],
    ['a server whose transaction ids are behind', `update waybill.outbox set transaction_id = '999999999'`, 'transaction 999999999'],
  ] as const) {
    it(`is not ${what}`, async () => {
      const shop = await openShop();
      await shop.unitOfWork.run(async ({ track }) => track(new Notebook('7')).write('x'));
      await shop.pool.query(change);

      const error = await failureOf('DATABASE_REPLACED', () => dispatcherOn(shop, new InMemorySink()).start());

      expect(error.message).to.contain(found);
      await shop.close();
    });
  }

  it('needs no rights beyond a schema of its own', async () => {
    const owner = await openShop({ schema: 'other' });
    const database = new URL(owner.url).pathname.slice(1);
    await owner.pool.query(
      `create role clerk_${database} login password 'paper'; grant create on database ${database} to clerk_${database}`,
    );
    const url = new URL(owner.url);
    url.username = `clerk_${database}`;
    url.password = 'paper';

    const shop = await openShop({}, url.href);
    const sink = new InMemorySink();
    const dispatcher = dispatcherOn(shop, sink);
    await dispatcher.start();
    const receipt = await shop.unitOfWork.run(async ({ track }) => track(new Notebook('7')).write('x'));

    expect(await dispatcher.delivered(receipt, 'memory', { timeoutMs: 5_000 })).to.equal('delivered');
    await dispatcher.stop();
    await shop.close();
    await owner.pool.query(`drop owned by clerk_${database}; drop role clerk_${database}`);
    await owner.close();
  });
});
