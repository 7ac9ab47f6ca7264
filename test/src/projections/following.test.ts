import { expect } from 'chai';
import { UnitOfWork } from '@waybill/core';
import type { Receipt } from '@waybill/core';
import { CrashPoints, gate, isWaiting, SETTLE_MS } from '@waybill/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { onEveryDatabase } from '../databases/databases.js';
import type { OpenDatabase } from '../databases/databases.js';
import { failureOf } from '../shop/failure-of.js';
import { Order, orderEvents } from '../shop/order.js';
import { aPlacedOrder, entriesOf, FollowingShop, placedOrders, statusOf, statusWhere } from './order-list.js';

onEveryDatabase('projections that follow a log', <Tx>(open: OpenDatabase<Tx>) => {
  let shop: FollowingShop<Tx>;

  beforeEach(async () => {
    shop = new FollowingShop(await open());
  });
  afterEach(() => shop.close());

  it('make their tables first, and write each event once, in the order of the log, in batches', async () => {
    const list = shop.list();
    let transactions = 0;
    const process = shop.process(list, { batchSize: 10, reached: (moment) => void (moment === 'projected' && transactions++) });
    shop.log.append(...placedOrders(25));

    await process.start();
    await shop.hasWritten(1, 25);
    shop.log.append(...placedOrders(5, 25));
    await shop.hasWritten(1, 30);

    expect(await shop.opened.written()).to.have.members([...entriesOf(1, 30), '#1 prepared']);
    expect(list.seen).to.deep.equal(entriesOf(1, 30));
    expect(transactions).to.be.lessThan(12);
  });

  for (const moment of ['projected', 'committed'] as const)
    it(`write each event once when the process is cut off at "${moment}"`, async () => {
      const points = new CrashPoints();
      points.throwAt(moment, { nth: 2 });
      const process = shop.process(shop.list(), { batchSize: 4, reached: points.reached });
      shop.log.append(...placedOrders(12));

      await process.start();
      await shop.hasWritten(1, 12);

      expect(await shop.ordersOf(1)).to.have.members(entriesOf(1, 12));
    });

  it('are written by one process at a time, and go on in the other when it stops', async () => {
    const [first, second] = [shop.list(), shop.list()];
    const [one, other] = [shop.process(first, { instance: 'one' }), shop.process(second, { instance: 'other' })];
    await one.start();
    await other.start();
    shop.log.append(...placedOrders(20));
    await shop.hasWritten(1, 20);

    const owner = (await statusOf(one)).owner;
    await (owner === 'one' ? one : other).stop();
    shop.log.append(...placedOrders(20, 20));
    await shop.hasWritten(1, 40);

    expect(await shop.ordersOf(1)).to.have.members(entriesOf(1, 40));
    expect([...first.seen, ...second.seen]).to.have.members(entriesOf(1, 40));
  });

  it('can be stopped while they wait for a place that another process has locked, and started again', async () => {
    const { transactions, subscriptions } = shop.opened.database;
    await subscriptions.register('projection order-list#1', shop.log.positions, undefined);
    const [locked, released] = [gate(), gate()];
    const holding = transactions.run(async (tx) => {
      await subscriptions.find('projection order-list#1', tx);
      locked.open();
      await released.opened;
    });
    await locked.opened;
    const process = shop.process(shop.list());

    const starting = process.start().catch(() => {}); // where nothing waits for a lock, it is refused
    await sleep(SETTLE_MS);
    await process.stop();
    await starting;
    released.open();
    await holding;
    shop.log.append(...placedOrders(1));
    await process.start();

    expect(await shop.hasWritten(1, 1)).to.deep.equal(entriesOf(1, 1));
  });

  it('stop at an event that fails, over a restart, until a person passes it by with a reason', async () => {
    const bad = aPlacedOrder('order-5');
    const list = shop.list();
    list.before = (entry) => {
      if (entry === '#1 order-5@0') throw new Error('no such customer');
    };
    shop.log.append(...placedOrders(5), bad, ...placedOrders(4, 6));
    const process = shop.process(list);

    await process.start();
    const stopped = await statusWhere(process, 'a stop', ({ state }) => state === 'stopped');
    await process.stop();
    await process.start();
    await sleep(SETTLE_MS);

    expect(stopped.failure).to.include({ attempts: 2 });
    expect(stopped.failure?.message).to.include({ id: bad.id, stream: 'order-5', revision: 0n, type: 'OrderPlaced' });
    expect(stopped.failure?.error).to.include('no such customer');
    expect(await shop.ordersOf(1)).to.have.members(entriesOf(1, 5));
    const other = await failureOf('INVALID_OPTIONS', () => process.resume('order-list', { skip: 'another', reason: 'x' }));
    expect(other.message).to.include(`does not stand at message another, but at ${bad.id}`);
    await failureOf('INVALID_OPTIONS', () => process.resume('order-list', { skip: bad.id }));

    await process.resume('order-list', { skip: bad.id, reason: 'a test order' });
    await shop.hasWritten(1, 9);
    expect(await shop.ordersOf(1)).to.have.members([...entriesOf(1, 5), ...entriesOf(1, 4, 6)]);
    expect((await shop.opened.written()).filter((entry) => entry === '#1 prepared')).to.have.length(1);
  });

  describe('caughtUpWith', () => {
    let unitOfWork: UnitOfWork<Tx>;

    beforeEach(() => {
      unitOfWork = new UnitOfWork<Tx>({ database: shop.opened.database, catalogue: orderEvents });
    });

    const commit = (id: string): Promise<Receipt> => unitOfWork.run(async ({ track }) => void track(Order.placed(id)));
    /** What a route to the log does a moment later. */
    const deliver = ({ messages }: Receipt): void =>
      shop.log.append(...messages.map(({ id, stream, revision }) => aPlacedOrder(stream, revision, { id })));

    it('resolves once what was committed can be read, in any process, also by the token', async () => {
      const process = shop.process(shop.list());
      const onlooker = shop.process(shop.list());
      await process.start();
      const receipt = await commit('7');

      const here = process.caughtUpWith(receipt, { timeoutMs: 5_000 });
      const there = onlooker.caughtUpWith(receipt.token, { projection: 'order-list', timeoutMs: 5_000 });
      expect(await isWaiting(here)).to.equal(true);
      deliver(receipt);

      expect(await here).to.equal('caught-up');
      expect(await shop.ordersOf(1)).to.deep.equal(['#1 order-7@0']);
      expect(await there).to.equal('caught-up');
      expect(await onlooker.caughtUpWith(receipt, { timeoutMs: 0 })).to.equal('caught-up');
    });
  });
});
