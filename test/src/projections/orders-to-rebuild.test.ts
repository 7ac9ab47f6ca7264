import { expect } from 'chai';
import { isWaiting } from '@waybill/testing';
import { inMemory } from '../databases/databases.js';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { failureOf } from '../shop/failure-of.js';
import { entriesOf, FollowingShop, isSwitched, placedOrders, statusOf, statusWhere } from './order-list.js';

describe('a rebuild of a projection, and orders about it', () => {
  let shop: FollowingShop<InMemoryTx>;

  beforeEach(async () => {
    shop = new FollowingShop(await inMemory());
  });
  afterEach(() => shop.close());

  it('tells its handlers whether it is rebuilt, also after the switch', async () => {
    const list = shop.list();
    const told: string[] = [];
    list.before = (entry, { rebuilding }) => told.push(`${entry} ${rebuilding}`);
    const process = shop.process(list);
    await process.start();
    shop.log.append(...placedOrders(1));
    await shop.hasWritten(1, 1);

    await process.rebuild('order-list');
    await statusWhere(process, 'the switch', isSwitched);
    shop.log.append(...placedOrders(1, 1));
    await shop.hasWritten(2, 2);

    expect([...new Set(told)]).to.deep.equal(['#1 order-0@0 false', '#2 order-0@0 true', '#2 order-1@0 false']);
  });

  it('stays the old one when it cannot be activated, and switches once it can', async () => {
    const list = shop.list();
    list.whenActivated = () => {
      throw new Error('no such view');
    };
    const process = shop.process(list);
    await process.start();
    shop.log.append(...placedOrders(3));
    await process.rebuild('order-list');
    const { rebuilding } = await statusWhere(process, 'a complaint', (status) => status.rebuilding?.failure !== undefined);

    expect(rebuilding?.failure?.error).to.include('no such view');
    expect((await statusOf(process)).generation).to.equal(1);
    list.whenActivated = () => {};
    await statusWhere(process, 'the switch', isSwitched);
  });

  it('leaves the live one alone when an event fails in the rebuild, and can be given up', async () => {
    const list = shop.list();
    list.before = (entry) => {
      if (entry === '#2 order-1@0') throw new Error('new code, new trouble');
    };
    const process = shop.process(list);
    const onlooker = shop.process(list);
    await process.start();
    shop.log.append(...placedOrders(3));
    await shop.hasWritten(1, 3);

    await process.rebuild('order-list');
    await statusWhere(process, 'a stop', ({ rebuilding }) => rebuilding?.state === 'stopped');
    shop.log.append(...placedOrders(3, 3));
    await shop.hasWritten(1, 6);
    await onlooker.abandonRebuild('order-list');

    expect(await statusOf(process)).to.include({ generation: 1, state: 'running', failure: undefined, rebuilding: undefined });
    expect(await shop.subscriptions()).to.deep.equal(['projection order-list#1']);
    expect(await shop.opened.written()).to.include('#2 retired');
    const none = await failureOf('INVALID_OPTIONS', () => process.abandonRebuild('order-list'));
    expect(none.message).to.include('is not being rebuilt');

    list.before = () => {};
    expect(await process.rebuild('order-list')).to.equal(3);
    await statusWhere(process, 'the switch', ({ generation }) => generation === 3);
    expect(await shop.ordersOf(3)).to.have.members(entriesOf(3, 6));
  });

  it('is picked up by whoever follows, when a process orders it that does not', async () => {
    const process = shop.process(shop.list());
    const onlooker = shop.process(shop.list());
    await process.start();
    shop.log.append(...placedOrders(4));

    await onlooker.rebuild('order-list');
    await statusWhere(onlooker, 'the switch', isSwitched);

    expect(await onlooker.rebuild('order-list')).to.equal(3);
    expect(await shop.ordersOf(2)).to.have.members(entriesOf(2, 4));
  });

  it('lets who waits for an event wait for the new one, when the switch comes in between', async () => {
    const process = shop.process(shop.list());
    await process.start();
    const waiting = process.caughtUpWith(
      { result: undefined, repeated: false, token: '', messages: [{ id: 'x', stream: 'order-0', revision: 0n, type: 'OrderPlaced' }] },
      { timeoutMs: 8_000 },
    );
    await process.rebuild('order-list');
    await statusWhere(process, 'the switch', isSwitched);
    expect(await isWaiting(waiting)).to.equal(true);

    shop.log.append(...placedOrders(1));

    expect(await waiting).to.equal('caught-up');
    expect(await shop.ordersOf(2)).to.deep.equal(entriesOf(2, 1));
  });

  it('is the way out for a live one that has stopped at an event', async () => {
    const broken = shop.list();
    broken.before = (entry) => {
      if (entry.endsWith('order-1@0')) throw new Error('a bug');
    };
    const before = shop.process(broken);
    shop.log.append(...placedOrders(3));
    await before.start();
    await statusWhere(before, 'the stop', ({ state }) => state === 'stopped');
    await before.stop();
    const mended = shop.process(shop.list());
    await mended.start();

    await mended.rebuild('order-list');
    await statusWhere(mended, 'the switch', isSwitched);

    expect(await shop.ordersOf(2)).to.have.members(entriesOf(2, 3));
    expect(await statusOf(mended)).to.include({ state: 'running', failure: undefined });
  });

  it('is the way out where the log was restored from a backup', async () => {
    const process = shop.process(shop.list());
    await process.start();
    shop.log.append(...placedOrders(5));
    await shop.hasWritten(1, 5);

    shop.log.restoreTo(2);
    const stopped = await statusWhere(process, 'the stop', ({ state }) => state === 'stopped');
    await process.rebuild('order-list');
    await statusWhere(process, 'the switch', isSwitched);
    shop.log.append(...placedOrders(1, 7));
    await shop.hasWritten(2, 3);

    expect(stopped.failure).to.include({ code: 'EVENT_LOG_BEHIND' });
    expect(stopped.failure?.error).to.include('rebuil');
    expect(await shop.ordersOf(2)).to.have.members([...entriesOf(2, 2), '#2 order-7@0']);
  });
});
