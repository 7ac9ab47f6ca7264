import { expect } from 'chai';
import { outboxSnapshot } from '@waybill/core';
import { aFailure, aStoppedStream, WatchedShop } from './watched-shop.js';

describe('a snapshot of the outbox', () => {
  it('tells of each route how it stands, as plain JSON', async () => {
    const shop = new WatchedShop();
    await shop.route('mails');
    await shop.route('search');
    await shop.place('1', '2', '7');
    await shop.signOn('mails');
    const lane = await shop.deliver(await shop.hold('mails'), 1);
    const { lease, progress } = lane;
    const stopped = [aStoppedStream(), aStoppedStream({ stream: 'order-1', state: 'halted' })];
    await shop.database.lanes.settle(lease, { ...progress, state: 'halted', failure: aFailure({ revision: 2n ** 60n }), stopped });
    await shop.clock.pass(5_000);

    const snapshot = await outboxSnapshot(shop.database, {
      clock: shop.clock,
      rates: new Map([['mails', { deliveredPerSecond: 12.5, failedPerSecond: 0 }]]),
    });

    expect(JSON.parse(JSON.stringify(snapshot))).to.deep.equal({
      at: '2025-01-01T00:00:05.000Z',
      routes: [
        {
          ...{ name: 'mails', order: 'stream', retired: false, lanes: 1, held: 1, running: 0, waiting: 0, halted: 1 },
          ...{ pending: 2, capped: false, oldestAt: '2025-01-01T00:00:00.000Z', oldestAgeMs: 5_000 },
          stoppedStreams: { total: 2, waiting: 0, halted: 1, parked: 1, redriving: 0 },
          liveInstances: ['shop-1'],
          ...{ deliveredPerSecond: 12.5, failedPerSecond: 0 },
        },
        {
          ...{ name: 'search', order: 'stream', retired: false, lanes: 1, held: 0, running: 1, waiting: 0, halted: 0 },
          ...{ pending: 3, capped: false, oldestAt: '2025-01-01T00:00:00.000Z', oldestAgeMs: 5_000 },
          stoppedStreams: { total: 0, waiting: 0, halted: 0, parked: 0, redriving: 0 },
          liveInstances: [],
        },
      ],
    });
  });

  it('names a retired route, of which nothing is left', async () => {
    const shop = new WatchedShop();
    await shop.route('mails');
    await shop.place('1');
    await shop.database.routes.retire('mails');

    const { routes } = await outboxSnapshot(shop.database, { clock: shop.clock });

    expect(routes).to.have.length(1);
    expect(routes[0]).to.include({ name: 'mails', retired: true, lanes: 0, pending: 0 }).and.not.to.have.property('oldestAt');
  });
});
