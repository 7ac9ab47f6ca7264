import { expect } from 'chai';
import { InMemorySink } from '@waybill/core/in-memory';
import { gate } from '@waybill/testing';
import { aRunningDispatcher, next, stopDispatchers } from '../shop/dispatching.js';
import { Notebook, NoteWritten } from '../shop/notebook.js';
import { openShop } from './postgres-shop.js';
import type { PostgresShop } from './postgres-shop.js';

describe('a commit that comes late, before the message at which its lane has halted', () => {
  let shop: PostgresShop;
  before(async () => {
    shop = await openShop({ lanes: 1 });
  });
  stopDispatchers();
  after(() => shop.close());

  it('is delivered, and does not keep the message from being skipped', async () => {
    const sink = new InMemorySink();
    sink.refuse(({ stream }) => stream === 'notebook-bad');
    const dispatcher = await aRunningDispatcher({
      database: shop.database,
      catalogue: [NoteWritten],
      routes: { memory: { sink, retry: { attempts: 1 } } },
    });
    const [appended, mayCommit] = [gate(), gate()];
    const late = shop.database.transactions.run(async (tx) => {
      const { token } = await shop.unitOfWork.join(tx, async ({ track }) => track(new Notebook('late')).write('x'));
      appended.open();
      await mayCommit.opened;
      return token;
    });
    await appended.opened;
    const halted = next(dispatcher, 'halted');
    const bad = await shop.unitOfWork.run(async ({ track }) => track(new Notebook('bad')).write('x'));
    await halted;
    mayCommit.open();
    const token = await late;

    await dispatcher.skip('memory', bad.messages[0]!.id, 'poison');

    expect(await dispatcher.delivered(bad, 'memory', { timeoutMs: 2_000 })).to.equal('skipped');
    expect(await dispatcher.delivered(token, 'memory', { timeoutMs: 2_000 })).to.equal('delivered');
    expect(sink.delivered.map(({ stream }) => stream)).to.deep.equal(['notebook-late']);
  });
});
