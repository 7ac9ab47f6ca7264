import { expect } from 'chai';
import type { DispatcherEvents } from '@waybill/core';
import { gate } from '@waybill/testing';
import { stopDispatchers } from '../shop/dispatching.js';
import { OrderDesk } from '../shop/order-desk.js';

const LEASE_MS = 10_000;
const CALLS = { leases: ['acquire', 'renew'], instances: ['beat'], actions: ['due'], lanes: ['stopped', 'read', 'settle'] } as const;

describe('a database that never answers one call, because a connection is gone without a word', () => {
  let desk: OrderDesk;

  beforeEach(() => (desk = new OrderDesk({ lanes: 2 })));
  stopDispatchers();

  /** From now on the next such call is never answered, and those after it are. */
  const muteNext = (port: keyof typeof CALLS, method: string): { readonly wasAsked: boolean } => {
    const muted = { wasAsked: false };
    const real = desk.database[port] as unknown as Record<string, (...args: unknown[]) => unknown>;
    const call = real[method]!.bind(real);
    real[method] = (...args) => {
      if (muted.wasAsked) return call(...args);
      muted.wasAsked = true;
      return new Promise(() => {});
    };
    return muted;
  };

  // A lane's own calls may take a minute; then its lease is over, too.
  const longest = (port: keyof typeof CALLS): number => (port === 'lanes' ? 60_000 : 0) + 2 * LEASE_MS + 6_000;
  const isBegun = (method: string): boolean => method !== 'acquire' && method !== 'stopped';

  for (const [port, methods] of Object.entries(CALLS) as [keyof typeof CALLS, readonly string[]][]) {
    for (const method of methods) {
      it(`keeps a dispatcher from its lanes for ever: ${port}.${method}`, async () => {
        const mutedBefore = isBegun(method) ? undefined : muteNext(port, method);
        const dispatcher = await desk.started({}, { leaseMs: LEASE_MS });
        const muted = mutedBefore ?? muteNext(port, method);
        const [id] = desk.idsOn(0, 1);
        await desk.note(id!, 'a');
        await desk.clock.pass(longest(port));
        const lost: DispatcherEvents['lease-lost'][] = [];
        dispatcher.on('lease-lost', (event) => lost.push(event));

        await desk.note(id!, 'b');
        await desk.clock.pass(10 * LEASE_MS);

        expect(muted.wasAsked).to.equal(true);
        expect(desk.sink.revisionsOf(id!).at(-1)).to.equal(1n);
        expect(lost).to.deep.equal([]);
        expect((await dispatcher.lanes()).filter(({ owner }) => owner === undefined)).to.deep.equal([]);
      });

      it(`does not keep it from stopping: ${port}.${method}`, async () => {
        const mutedBefore = isBegun(method) ? undefined : muteNext(port, method);
        const dispatcher = await desk.started({}, { leaseMs: LEASE_MS });
        const muted = mutedBefore ?? muteNext(port, method);
        await desk.note(desk.idsOn(0, 1)[0]!, 'a');
        await desk.clock.pass(3_400);
        let hasStopped = false;

        void dispatcher.stop().then(() => (hasStopped = true));
        await desk.clock.pass(3 * LEASE_MS);

        expect(muted.wasAsked).to.equal(true);
        expect(hasStopped).to.equal(true);
      });
    }
  }

  it('does not have a lane run on that was given back meanwhile: what is answered too late is delivered by the next holder alone', async () => {
    const first = await desk.started({}, { leaseMs: LEASE_MS, stopWithinMs: 100 });
    const answer = gate();
    const { lanes } = desk.database;
    const read = lanes.read.bind(lanes);
    let isAsked = false;
    lanes.read = async (options) => {
      if (isAsked) return read(options);
      isAsked = true;
      const page = await read(options);
      await answer.opened;
      return page;
    };
    await desk.note(desk.idsOn(0, 1)[0]!, 'a');
    await desk.clock.pass(1_100);
    const stopped = first.stop();
    await desk.clock.pass(6_000);
    await stopped;
    await desk.started({ sink: desk.sink }, { leaseMs: LEASE_MS, instance: 'second' });
    await desk.clock.pass(1_100);
    expect(isAsked).to.equal(true);

    answer.open();
    await desk.clock.pass(1_100);

    expect(desk.sink.revisionsOf(desk.idsOn(0, 1)[0]!)).to.deep.equal([0n]);
  });
});
