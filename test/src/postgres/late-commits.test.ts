import { expect } from 'chai';
import { InMemorySink } from '@waybill/core/in-memory';
import { aRunningDispatcher, stopDispatchers } from '../shop/dispatching.js';
import { NoteWritten } from '../shop/notebook.js';
import { commitLate } from './late-commit.js';
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
    const { bad, late } = await commitLate(shop, dispatcher);

    await dispatcher.skip('memory', bad.messages[0]!.id, 'poison');

    expect(await dispatcher.delivered(bad, 'memory', { timeoutMs: 2_000 })).to.equal('skipped');
    expect(await dispatcher.delivered(late, 'memory', { timeoutMs: 2_000 })).to.equal('delivered');
    expect(sink.delivered.map(({ stream }) => stream)).to.deep.equal(['notebook-late']);
  });
});
