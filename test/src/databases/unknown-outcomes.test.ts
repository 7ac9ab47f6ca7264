import { expect } from 'chai';
import { SinkUnavailableError, UnitOfWork } from '@waybill/core';
import type { Database, DispatcherOptions, Sink } from '@waybill/core';
import { anAppend, eventually, gate } from '@waybill/testing';
import { aRunningDispatcher, QUICKLY, stopDispatchers } from '../shop/dispatching.js';
import { placeOf } from '../shop/moody-sink.js';
import { Order, orderEvents } from '../shop/order.js';
import { Till } from '../shop/till.js';
import { overlay } from '../testing/broken-database.js';
import { onEveryDatabase } from './databases.js';
import type { OpenDatabase, OpenedDatabase } from './databases.js';

const LEASE_MS = 1_500;

onEveryDatabase('messages that may have reached their target', <Tx>(open: OpenDatabase<Tx>) => {
  let shop: OpenedDatabase<Tx>;
  let unitOfWork: UnitOfWork<Tx>;

  before(async () => {
    shop = await open();
    unitOfWork = new UnitOfWork({ database: shop.database, catalogue: orderEvents });
  });
  stopDispatchers();
  after(() => shop.close());

  const started = (sink: Sink, prefix: string, options: Partial<DispatcherOptions<string>> = {}, route = {}) =>
    aRunningDispatcher<string>({
      ...{ database: shop.database, catalogue: orderEvents, leaseMs: LEASE_MS, heartbeatMs: 300, ...options },
      routes: { [prefix]: { sink, streams: [`order-${prefix}`], start: 'beginning', retry: QUICKLY, ...route } },
    });

  /** A process's way to the database, until it is gone. */
  const mortal = (): { readonly database: Database<Tx>; isGone: boolean } => {
    const { lanes, leases, instances, actions, status, retention } = shop.database;
    const unlessGone = <Port extends object>(port: Port): Port =>
      new Proxy(port, {
        get(target, name) {
          const call = Reflect.get(target, name, target) as (...given: unknown[]) => unknown;
          return (...given: unknown[]) => (process.isGone ? Promise.reject(new Error('the process is gone')) : call.apply(target, given));
        },
      });
    const ports = {
      ...{ lanes: unlessGone(lanes), leases: unlessGone(leases), instances: unlessGone(instances) },
      ...{ actions: unlessGone(actions), status: unlessGone(status), retention: unlessGone(retention) },
    };
    const process = { database: overlay<Database<Tx>>(shop.database, ports), isGone: false };
    return process;
  };
  const until = (what: string, isSo: () => boolean | Promise<boolean>): Promise<true> =>
    eventually(what, async () => (await isSo()) || undefined);

  it('are told apart from a late commit that lies before them by then, when their process was gone in the middle', async () => {
    const till = new Till('query');
    const process = mortal();
    const dying: Sink = {
      mostAtOnce: 1,
      async deliver(batch, context) {
        await till.deliver(batch, context);
        process.isGone = true;
        await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
        return { accepted: 0, failure: new SinkUnavailableError('the process is gone') };
      },
    };
    await (await started(till, 'late-', {}, { order: 'global' })).stop(); // makes the route: an index is not built beside an open transaction
    const [appended, mayCommit] = [gate(), gate()];
    const late = shop.database.transactions.run(async (tx) => {
      await shop.database.outbox.append([anAppend('order-late-1')], tx);
      appended.open();
      await mayCommit.opened;
    });
    await appended.opened;
    await shop.database.transactions.run((tx) => shop.database.outbox.append([anAppend('order-late-2')], tx));
    await started(dying, 'late-', { database: process.database, instance: 'mortal' }, { order: 'global' });
    await until('the process is gone', () => process.isGone);
    const [first] = till.charged;
    mayCommit.open();
    await late;

    await started(till, 'late-', { instance: 'survivor' }, { order: 'global' });
    await until('both are charged', () => till.calls.length >= 3);

    expect([...till.calls].sort()).to.deep.equal([...till.charged, `${first} again?`].sort());
    expect([...till.charged].sort()).to.deep.equal(['late-1@0', 'late-2@0']);
  });

  it('are set aside, listed, and sent again when a person says so', async () => {
    const till = new Till('halt');
    till.feel((message) => (placeOf(message) === 'dear-1@0' ? 'lost' : 'answers'));
    const dispatcher = await started(till, 'dear-', {}, { onFailure: 'park-stream' });
    const receipt = await unitOfWork.run(async ({ track }) => void track(Order.placed('dear-1')));
    const { id: messageId } = receipt.messages[0]!;
    await until('it is parked', async () => (await dispatcher.stopped('dear-')).length === 1);
    till.feel(() => 'answers');

    const [line] = await dispatcher.messages({ messageId });
    const tried = (await dispatcher.attempts({ messageId })).map(({ outcome }) => outcome);
    const redriven = await dispatcher.redrive('dear-', { code: 'OUTCOME_UNKNOWN' });
    await until('it is charged', () => till.charged.length > 0);
    await until('nothing is stopped any more', async () => (await dispatcher.stopped('dear-')).length === 0);

    expect(line).to.include({ status: 'FAILED', failCount: 1 });
    expect(tried).to.deep.equal(['unknown']);
    expect(redriven.map(({ failure }) => failure.code)).to.deep.equal(['OUTCOME_UNKNOWN']);
    expect(new Set(till.calls)).to.deep.equal(new Set(['dear-1@0']));
    expect((await dispatcher.messages({ messageId }))[0]).to.include({ status: 'DONE', failCount: 1 });
  });
});
