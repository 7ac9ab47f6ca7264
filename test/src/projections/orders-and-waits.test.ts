import { expect } from 'chai';
import { InvalidPayloadError, TransactionConflictError, UnitOfWork } from '@waybill/core';
import type { Receipt } from '@waybill/core';
import { SETTLE_MS } from '@waybill/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { inMemory } from '../databases/databases.js';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { failureOf } from '../shop/failure-of.js';
import { Order, orderEvents } from '../shop/order.js';
import { aPlacedOrder, entriesOf, FollowingShop, placedOrders, statusOf, statusWhere } from './order-list.js';

describe('orders to projections, and what they tell,', () => {
  let shop: FollowingShop<InMemoryTx>;

  beforeEach(async () => {
    shop = new FollowingShop(await inMemory());
  });
  afterEach(() => shop.close());

  it('stop at an event that cannot be read', async () => {
    const process = shop.process(shop.list());
    shop.log.append(aPlacedOrder('order-0'), aPlacedOrder('order-1', 0n, { json: { customerId: 7 } }));

    await process.start();
    const { failure } = await statusWhere(process, 'a stop', ({ state }) => state === 'stopped');

    expect(failure?.code).to.equal(new InvalidPayloadError('OrderPlaced', []).code);
    expect(await shop.ordersOf(1)).to.deep.equal(['#1 order-0@0']);
  });

  it('get through where the database gives up a transaction of so many events', async () => {
    const list = shop.list();
    const inTransaction = new Map<InMemoryTx, number>();
    list.before = (_entry, { tx }) => {
      inTransaction.set(tx, (inTransaction.get(tx) ?? 0) + 1);
      if (inTransaction.get(tx)! > 3) throw new TransactionConflictError('it took longer than 60 seconds');
    };
    shop.log.append(...placedOrders(60));
    const process = shop.process(list, { batchSize: 20 });
    let waits = 0;
    process.on('waiting', () => waits++);

    await process.start();

    expect(await shop.hasWritten(1, 60)).to.have.members(entriesOf(1, 60));
    expect(waits).to.be.at.most(15);
  });

  it('write nothing while they are paused, also over a restart', async () => {
    const process = shop.process(shop.list());
    await process.start();
    shop.log.append(...placedOrders(2));
    await shop.hasWritten(1, 2);

    await process.pause('order-list');
    await process.stop();
    await process.start();
    shop.log.append(...placedOrders(2, 2));
    await sleep(SETTLE_MS);

    expect(await shop.ordersOf(1)).to.have.length(2);
    expect((await statusOf(process)).paused).to.equal(true);
    await process.resume('order-list');
    await shop.hasWritten(1, 4);
  });

  it('tell where they are, also to a process that does not follow', async () => {
    const process = shop.process(shop.list(), { instance: 'follower' });
    const onlooker = shop.process(shop.list());
    expect(await statusOf(onlooker)).to.include({ projection: 'order-list', generation: 1, messages: 0n, caughtUp: false });
    await process.start();
    shop.log.append(...placedOrders(7));

    const status = await statusWhere(onlooker, 'that it has caught up', ({ caughtUp, messages }) => caughtUp && messages === 7n);

    expect(status).to.include({ state: 'running', owner: 'follower', lagMs: 0, paused: false });
    expect(status.rebuilding).to.equal(undefined);
    expect(status.behind).to.equal(0n);
    expect(status.messagesPerSecond).to.be.a('number');
  });

  it('start again after a stop, and after a start that failed', async () => {
    let isSchemaThere = false;
    const list = shop.list();
    list.beforePrepare = () => {
      if (!isSchemaThere) throw new Error('no such schema');
    };
    const process = shop.process(list);
    const failed = await process.start().then(
      () => undefined,
      (error: unknown) => error,
    );

    isSchemaThere = true;
    await process.start();
    shop.log.append(...placedOrders(3));
    await shop.hasWritten(1, 3);

    expect(failed).to.be.an('error').with.property('message', 'no such schema');
    await process.stop();
  });

  it('end with the signal of their start, and not with the one of an earlier start', async () => {
    const process = shop.process(shop.list());
    const [first, second] = [new AbortController(), new AbortController()];
    await Promise.all([process.start({ signal: first.signal }), process.start()]);
    await process.stop();
    await process.start({ signal: second.signal });
    first.abort();
    shop.log.append(...placedOrders(2));
    await shop.hasWritten(1, 2);

    second.abort();
    await process.stop();
    shop.log.append(...placedOrders(2, 2));
    await sleep(SETTLE_MS);

    expect(await shop.ordersOf(1)).to.have.length(2);
    expect((await statusOf(process)).owner).to.equal(undefined);
  });

  describe('caughtUpWith', () => {
    let unitOfWork: UnitOfWork<InMemoryTx>;

    beforeEach(() => {
      unitOfWork = new UnitOfWork<InMemoryTx>({ database: shop.opened.database, catalogue: orderEvents });
    });

    const commit = (id: string): Promise<Receipt> => unitOfWork.run(async ({ track }) => void track(Order.placed(id)));
    const cancel = (id: string): Promise<Receipt> => unitOfWork.run(async ({ load }) => (await load(Order, id)).cancel('no stock'));
    /** What a route to the log does a moment later. */
    const deliver = ({ messages }: Receipt): void =>
      shop.log.append(...messages.map(({ id, stream, revision }) => aPlacedOrder(stream, revision, { id })));

    it('answers "not-selected" where no projection wants any of it', async () => {
      const process = shop.process(shop.list());
      await commit('7');
      const receipt = await cancel('7');

      expect(await process.caughtUpWith(receipt, { timeoutMs: 5_000 })).to.equal('not-selected');
      expect(await process.caughtUpWith(await unitOfWork.run(async () => {}))).to.equal('not-selected');
    });

    it('gives up after its time, or when the projection has stopped before', async () => {
      const list = shop.list();
      list.before = () => {
        throw new Error('no such customer');
      };
      const process = shop.process(list);
      const receipt = await commit('7');

      const timeout = await failureOf('WAIT_TIMEOUT', () => process.caughtUpWith(receipt, { timeoutMs: 20 }));
      deliver(receipt);
      await process.start();
      const stopped = await failureOf('SUBSCRIPTION_STOPPED', () => process.caughtUpWith(receipt, { timeoutMs: 5_000 }));

      expect(timeout.message).to.include('projection order-list#1');
      expect(stopped.message).to.include('no such customer');
    });

    it('is refused for a projection that is not there, and for what is no token', async () => {
      const process = shop.process(shop.list());

      const refused = await failureOf('INVALID_OPTIONS', async () => process.caughtUpWith(await commit('7'), { projection: 'orders' }));
      await failureOf('INVALID_OPTIONS', () => process.caughtUpWith('nonsense'));

      expect(refused.message).to.equal('There is no projection "orders" here, only: order-list.');
    });
  });
});
