import { expect } from 'chai';
import fc from 'fast-check';
import type { Dispatcher, DispatcherOptions, LaneStatus, Sink } from '@waybill/core';
import { gate } from '@waybill/testing';
import { aDispatcher, stopDispatchers } from '../shop/dispatching.js';
import { failureOf } from '../shop/failure-of.js';
import { linkTo } from '../shop/linked-database.js';
import { MoodySink } from '../shop/moody-sink.js';
import { OrderDesk } from '../shop/order-desk.js';
import { orderEvents } from '../shop/order.js';

const LEASE_MS = 10_000;
/** Long enough for who has too much to hand over, and for who has too little to take it. */
const EVEN_OUT_MS = 3_100;

describe("a route's lanes", () => {
  let desk: OrderDesk;

  beforeEach(() => (desk = new OrderDesk({ lanes: 16 })));
  stopDispatchers();

  const join = async (instance: string, options: Partial<DispatcherOptions> = {}): Promise<Dispatcher<'memory'>> => {
    const dispatcher = await desk.started({}, { instance, leaseMs: LEASE_MS, ...options });
    await desk.clock.pass(EVEN_OUT_MS);
    return dispatcher;
  };
  const lanes = (): Promise<readonly LaneStatus[]> => desk.database.status.lanes();
  const owners = async (): Promise<readonly (string | undefined)[]> => (await lanes()).map(({ owner }) => owner);
  const sharesOf = (held: readonly (string | undefined)[]): readonly number[] => {
    const counts = new Map<string | undefined, number>();
    for (const owner of held) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    expect(counts.has(undefined), 'lanes that nobody holds').to.equal(false);
    return [...counts.values()].sort((one, other) => one - other);
  };
  const evenShares = (count: number, instances: number): readonly number[] =>
    Array.from({ length: instances }, (_, nth) => Math.floor((count + nth) / instances)).filter((share) => share > 0);

  it('are all held, and no two shares differ by more than one, however many lanes and instances there are', async function () {
    this.timeout(60_000);
    const counts = fc.record({ count: fc.integer({ min: 1, max: 20 }), instances: fc.integer({ min: 1, max: 6 }), salt: fc.nat(1_000) });

    await fc.assert(
      fc.asyncProperty(counts, async ({ count, instances, salt }) => {
        desk = new OrderDesk({ lanes: count });
        const running: Dispatcher[] = [];
        for (let nth = 0; nth < instances; nth++) running.push(await desk.started({}, { instance: `${salt}-${nth}`, leaseMs: LEASE_MS }));
        await desk.clock.pass(EVEN_OUT_MS);

        expect(sharesOf(await owners())).to.deep.equal(evenShares(count, instances));
        for (const dispatcher of running) await dispatcher.stop();
      }),
      { numRuns: 40 },
    );
  });

  it('move only to who joins, and from who leaves', async function () {
    this.timeout(60_000);
    const cases = fc.record({ count: fc.integer({ min: 1, max: 20 }), instances: fc.integer({ min: 1, max: 5 }), salt: fc.nat(1_000) });

    await fc.assert(
      fc.asyncProperty(cases, async ({ count, instances, salt }) => {
        desk = new OrderDesk({ lanes: count });
        const running: Dispatcher[] = [];
        for (let nth = 0; nth < instances; nth++) running.push(await desk.started({}, { instance: `${salt}-${nth}`, leaseMs: LEASE_MS }));
        await desk.clock.pass(EVEN_OUT_MS);
        const before = await owners();

        const newcomer = await join('newcomer');
        const after = await owners();
        for (const [lane, owner] of after.entries()) expect(owner).to.be.oneOf([before[lane], 'newcomer']);
        expect(sharesOf(after)).to.deep.equal(evenShares(count, instances + 1));

        await newcomer.stop();
        await desk.clock.pass(EVEN_OUT_MS);
        const again = await owners();
        for (const [lane, owner] of after.entries()) if (owner !== 'newcomer') expect(again[lane]).to.equal(owner);
        for (const dispatcher of running) await dispatcher.stop();
      }),
      { numRuns: 40 },
    );
  });

  it('of an instance that is gone are shared out when its leases are over', async () => {
    const link = linkTo(desk.database);
    await join('one', { database: link.database });
    await join('two');
    await join('three');
    const before = await owners();

    link.cut = true;
    await desk.clock.pass(LEASE_MS - 3_500);
    expect(await owners()).to.deep.equal(before);
    await desk.clock.pass(3_500 + 1_100);

    expect(sharesOf(await owners())).to.deep.equal([8, 8]);
    expect(await owners()).not.to.include('one');
  });

  it('of which there is one, as of a route in global order, are held by one instance, and by another when that stops', async () => {
    const route = { order: 'global' } as const;
    const dispatchers = await Promise.all(['one', 'two', 'three'].map((instance) => desk.started(route, { instance })));
    await desk.clock.pass(EVEN_OUT_MS);
    const [holder, ...others] = await owners();

    await dispatchers[['one', 'two', 'three'].indexOf(holder!)]!.stop();
    await desk.clock.pass(EVEN_OUT_MS);

    expect(others).to.deep.equal([]);
    expect(await owners()).to.have.length(1);
    expect((await owners())[0]).to.be.oneOf(['one', 'two', 'three'].filter((name) => name !== holder));
  });

  it('of many routes in global order are not all held by the same instance', async () => {
    const routes = Object.fromEntries(
      Array.from({ length: 20 }, (_, nth) => [`route ${nth}`, { sink: new MoodySink(), order: 'global' } as const]),
    );
    for (const instance of ['one', 'two'])
      await aDispatcher({
        database: desk.database,
        catalogue: orderEvents,
        clock: desk.clock,
        random: () => 0.5,
        instance,
        routes,
      }).start();

    await desk.clock.pass(EVEN_OUT_MS);

    const shares = sharesOf(await owners());
    expect(shares).to.have.length(2);
    expect(shares[0]).to.be.at.least(4);
  });

  it('are handed over between two batches: the old holder settles the one in flight, and nothing is delivered by two', async () => {
    desk = new OrderDesk({ lanes: 2 });
    const [mayGoOn, deliveries] = [gate(), [] as string[]];
    const as = (name: string): Sink => ({
      async deliver(batch, context) {
        deliveries.push(...batch.map(({ id }) => `${name} ${id}`));
        if (name === 'one') await mayGoOn.opened;
        return desk.sink.deliver(batch, context);
      },
    });
    const [inLaneZero, inLaneOne] = [desk.idsOn(0, 1)[0]!, desk.idsOn(1, 1)[0]!];
    await desk.started({ sink: as('one'), batch: { size: 2 } }, { instance: 'one' });
    for (const id of [inLaneZero, inLaneOne]) await desk.note(id, 'a', 'b', 'c', 'd');
    await desk.clock.pass(1);
    expect(deliveries).to.have.length(4);

    await desk.started({ sink: as('two'), batch: { size: 2 } }, { instance: 'two' });
    await desk.clock.pass(5 * LEASE_MS);
    expect(await owners()).to.deep.equal(['one', 'one']);
    mayGoOn.open();
    await desk.clock.pass(EVEN_OUT_MS);

    expect(await owners()).to.have.members(['one', 'two']);
    expect(desk.sink.revisionsOf(inLaneZero)).to.deep.equal([0n, 1n, 2n, 3n]);
    expect(desk.sink.revisionsOf(inLaneOne)).to.deep.equal([0n, 1n, 2n, 3n]);
    expect(deliveries).to.have.length(8);
    expect((await lanes()).map(({ suspects }) => suspects)).to.deep.equal([0, 0]);
  });

  for (const [option, value] of [
    ...[299, 0, -1, NaN, Infinity, '10000'].map((value) => ['leaseMs', value] as const),
    ...[0, -1, NaN, Infinity, 5_001].map((value) => ['heartbeatMs', value] as const),
    ...[0, -1, NaN, Infinity].map((value) => ['pollMs', value] as const),
    ...[-1, NaN, Infinity].map((value) => ['stopWithinMs', value] as const),
    ...[-1, NaN].map((value) => ['keepMessagesMs', value] as const),
    ...[-1, NaN].map((value) => ['keepHistoryMs', value] as const),
    ...[0, 59_999, NaN, '60000'].map((value) => ['keepClaimsMs', value] as const),
    ...[0, -1, NaN, Infinity].map((value) => ['removeEveryMs', value] as const),
    ...[0, -1, NaN, Infinity].map((value) => ['reportEveryMs', value] as const),
    ...[0, -1, NaN, Infinity].map((value) => ['witnessEveryMs', value] as const),
  ]) {
    it(`are not run with a ${option} of ${typeof value === 'string' ? `"${value}"` : value}`, async () => {
      const error = await failureOf('INVALID_OPTIONS', () => desk.dispatcher({}, { [option]: value }));

      expect(error.message).to.include(`${option} is ${value}`);
    });
  }

  it('may be renewed twice a lease, and no more rarely', async () => {
    desk.dispatcher({}, { leaseMs: 10_000, heartbeatMs: 5_000 });

    const error = await failureOf('INVALID_OPTIONS', () => desk.dispatcher({}, { leaseMs: 600, heartbeatMs: 301 }));

    expect(error.message).to.include('more than half of leaseMs (600)').and.include('Lower heartbeatMs, or raise leaseMs');
  });
});
