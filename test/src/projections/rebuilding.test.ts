import { expect } from 'chai';
import { InMemoryEventLog } from '@waybill/core/in-memory';
import { CrashPoints, eventually, gate, SETTLE_MS } from '@waybill/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { onEveryDatabase } from '../databases/databases.js';
import type { OpenDatabase } from '../databases/databases.js';
import { aPlacedOrder, entriesOf, FollowingShop, isSwitched, placedOrders, statusOf, statusWhere } from './order-list.js';

onEveryDatabase('a projection that is rebuilt', <Tx>(open: OpenDatabase<Tx>) => {
  let shop: FollowingShop<Tx>;

  beforeEach(async () => {
    shop = new FollowingShop(await open());
  });
  afterEach(() => shop.close());

  it('is written anew from the beginning, into tables of its own, and then takes the place of the live one', async () => {
    const process = shop.process(shop.list());
    const told: string[] = [];
    for (const name of ['rebuilding', 'switched', 'retired'] as const)
      process.on(name, ({ generation }) => told.push(`${name} ${generation}`));
    await process.start();
    shop.log.append(...placedOrders(10));
    await shop.hasWritten(1, 10);

    expect(await process.rebuild('order-list')).to.equal(2);
    const { switchedAt, rebuilding } = await statusWhere(process, 'the switch', isSwitched);
    await eventually('the end of the old tables', async () => told.includes('retired 1') || undefined);
    shop.log.append(...placedOrders(2, 10));
    await shop.hasWritten(2, 12);

    const orders = [...entriesOf(1, 10), ...entriesOf(2, 12)];
    expect(await shop.opened.written()).to.have.members([...orders, '#1 prepared', '#2 prepared', '#2 activated', '#1 retired']);
    expect(told).to.deep.equal(['rebuilding 2', 'switched 2', 'retired 1']);
    expect(await process.live('order-list')).to.equal(2);
    expect(await shop.subscriptions()).to.deep.equal(['projection order-list#2']);
    expect(switchedAt).to.be.a('date');
    expect(rebuilding).to.equal(undefined);
  });

  it('misses nothing that comes in meanwhile, and shows a progress that never goes back', async () => {
    const process = shop.process(shop.list(), { batchSize: 20 });
    await process.start();
    shop.log.append(...placedOrders(40));
    await shop.hasWritten(1, 40);
    const percents: number[] = [];
    await process.rebuild('order-list');

    for (let count = 40; !isSwitched(await statusOf(process)) && count < 240; count += 5) {
      shop.log.append(...placedOrders(5, count));
      const { rebuilding } = await statusOf(process);
      if (rebuilding) percents.push(rebuilding.percent);
      await sleep(1);
    }
    await statusWhere(process, 'the switch', isSwitched);
    shop.log.append(aPlacedOrder('order-last'));
    await eventually('the last order', async () => (await shop.ordersOf(2)).includes('#2 order-last@0') || undefined);

    const orders = (await shop.ordersOf(2)).length;
    expect(await shop.ordersOf(2)).to.have.members([...entriesOf(2, orders - 1), '#2 order-last@0']);
    expect(percents).to.deep.equal([...percents].sort((one, other) => one - other));
    expect(percents.every((percent) => percent >= 0 && percent <= 100)).to.equal(true);
  });

  it('does not hold what the live one was about to write, and loses none of it', async () => {
    const points = new CrashPoints();
    const [live, rebuilt] = [shop.process(shop.list()), shop.process(shop.list(), { reached: points.reached })];
    await live.start();
    shop.log.append(...placedOrders(5));
    await shop.hasWritten(1, 5);
    const held = points.holdAt('switching');
    await rebuilt.start();

    await rebuilt.rebuild('order-list');
    const switching = await held;
    shop.log.append(...placedOrders(5, 5));
    await sleep(SETTLE_MS);
    const duringSwitch = await shop.ordersOf(1);
    switching.release();
    await statusWhere(live, 'the switch', isSwitched);
    await shop.hasWritten(2, 10);
    await sleep(SETTLE_MS);

    // Where the place cannot be locked without waiting, the live one may win, and the switch is tried again.
    expect(await shop.ordersOf(2)).to.have.members(entriesOf(2, 10));
    expect(duringSwitch).to.include.members(entriesOf(1, 5));
    expect(await shop.subscriptions()).to.deep.equal(['projection order-list#2']);
  });

  it('does not take the place of a live one that is ahead of it', async () => {
    const laggard = new InMemoryEventLog();
    // The process with the live one looks for new orders only every 20 seconds: the other builds.
    const live = shop.process(shop.list(), { leaseMs: 60_000 });
    const orders = placedOrders(5);
    await live.start();
    shop.log.append(...orders);
    await shop.hasWritten(1, 5);
    const behind = shop.process(shop.list(), { log: laggard });
    laggard.append(...orders.slice(0, 3));

    await behind.rebuild('order-list');
    await behind.start();
    await statusWhere(behind, 'all that it can have', ({ rebuilding }) => rebuilding?.caughtUp === true && rebuilding.messages === 3n);
    await sleep(SETTLE_MS);
    expect((await statusOf(behind)).generation).to.equal(1);

    laggard.append(...orders.slice(3));
    await statusWhere(behind, 'the switch', isSwitched);
    expect(await shop.ordersOf(2)).to.have.members(entriesOf(2, 5));
  });

  it('lets a live one that was frozen in its transaction commit nothing after the switch', async () => {
    const points = new CrashPoints();
    const live = shop.process(shop.list(), { leaseMs: 60_000, reached: points.reached });
    const lost: number[] = [];
    live.on('lease-lost', ({ generation }) => lost.push(generation));
    await live.start();
    shop.log.append(...placedOrders(2));
    await shop.hasWritten(1, 2);
    const frozen = points.holdAt('projected');
    shop.log.append(...placedOrders(1, 2));
    const { release } = await frozen;

    const other = shop.process(shop.list());
    await other.rebuild('order-list');
    await other.start();
    await statusWhere(other, 'the switch', isSwitched);
    release();
    await eventually('that the live one has lost its place', async () => lost.length > 0 || undefined);

    expect(await shop.ordersOf(1)).to.have.members(entriesOf(1, 2));
    expect(await shop.ordersOf(2)).to.have.members(entriesOf(2, 3));
  });

  it('goes on while old tables are dropped, which waits for whoever still reads them', async () => {
    const [list, begun, mayEnd] = [shop.list(), gate(), gate()];
    list.whenRetired = () => {
      begun.open();
      return mayEnd.opened;
    };
    const process = shop.process(list);
    await process.start();
    await process.rebuild('order-list');
    await begun.opened;

    shop.log.append(...placedOrders(3));
    const meanwhile = await shop.hasWritten(2, 3).finally(mayEnd.open);

    expect(meanwhile).to.have.members(entriesOf(2, 3));
    await eventually('the end of the old tables', async () => (await shop.opened.written()).includes('#1 retired') || undefined);
  });

  for (const moment of ['received', 'projected', 'committed', 'switching'] as const)
    it(`ends as one whole when the process is cut off at "${moment}"`, async () => {
      const points = new CrashPoints();
      const process = shop.process(shop.list(), { batchSize: 2, reached: points.reached });
      await process.start();
      shop.log.append(...placedOrders(6));
      await shop.hasWritten(1, 6);

      points.throwAt(moment);
      await process.rebuild('order-list');
      await statusWhere(process, 'the switch', isSwitched);

      expect(await shop.ordersOf(2)).to.have.members(entriesOf(2, 6));
      expect((await shop.opened.written()).filter((entry) => entry === '#2 activated')).to.have.length(1);
    });

  it('is written once by two processes together, whichever of them has which generation', async () => {
    const processes = [shop.process(shop.list()), shop.process(shop.list())];
    for (const process of processes) await process.start();
    shop.log.append(...placedOrders(10));

    await processes[1]!.rebuild('order-list');
    await statusWhere(processes[0]!, 'the switch', isSwitched);
    shop.log.append(...placedOrders(10, 10));
    await shop.hasWritten(2, 20);
    await sleep(SETTLE_MS);

    expect(await shop.ordersOf(2)).to.have.members(entriesOf(2, 20));
    expect(await shop.subscriptions()).to.deep.equal(['projection order-list#2']);
  });

  it('writes nothing more into old tables, also where a late process makes their place known anew', async () => {
    const process = shop.process(shop.list());
    await process.start();
    shop.log.append(...placedOrders(3));
    await shop.hasWritten(1, 3);
    const { projections } = shop.opened.database;
    const before = await projections.find('order-list');
    await process.rebuild('order-list');
    await statusWhere(process, 'the switch', isSwitched);

    // It has looked before the switch, and begins after it.
    const late = shop.process(shop.list());
    const isLate = { register: projections.register.bind(projections) };
    projections.register = async (name) => {
      projections.register = isLate.register;
      return name === 'order-list' ? before! : isLate.register(name);
    };
    await late.start();
    await eventually('the end of the old place', async () => {
      return (await shop.subscriptions()).join() === 'projection order-list#2' || undefined;
    });

    expect(await shop.ordersOf(1)).to.have.members(entriesOf(1, 3));
    // A view that `prepare` makes would show the old tables again.
    expect((await shop.opened.written()).filter((entry) => entry === '#1 prepared')).to.have.length(1);
  });
});
