import { expect } from 'chai';
import { Alarms, InvalidOptionsError, Watch } from '@waybill/core';
import type { LaneGrant, WatchOptions } from '@waybill/core';
import { Mailbox } from './mailbox.js';
import { aFailure, aStoppedStream, WatchedShop } from './watched-shop.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

describe('a watch', () => {
  let shop: WatchedShop;
  let mailbox: Mailbox;
  let watches: Watch[];

  beforeEach(() => {
    shop = new WatchedShop();
    mailbox = new Mailbox();
    watches = [];
  });
  afterEach(async () => {
    for (const watch of watches) await watch.stop();
  });

  /** As a process that only writes has it; with a name, as a dispatcher has it. */
  const watching = (options: Partial<WatchOptions> = {}, to: Mailbox = mailbox): Watch => {
    const { database, clock } = shop;
    const alarms = new Alarms({ notifiers: [to], clock, random: () => 0, instance: 'watch' });
    const watch = new Watch({ database, alarms, clock, ...options });
    watches.push(watch);
    watch.start();
    return watch;
  };
  const told = (to: Mailbox = mailbox): readonly string[] => to.alarms.map(({ state, kind }) => `${kind} ${state}`);
  const settle = ({ lease, progress }: LaneGrant, change: object): Promise<void> =>
    shop.database.lanes.settle(lease, { ...progress, ...change });

  describe('of a route that no live dispatcher runs', () => {
    it('tells when messages wait there for longer than the grace time', async () => {
      await shop.route('mails');
      await shop.place('1', '2', '3');

      watching();
      await shop.clock.pass(30 * SECOND - 1);
      expect(told()).to.deep.equal([]);
      await shop.clock.pass(1);

      expect(told()).to.deep.equal(['no-dispatcher raised']);
      expect(mailbox.alarms[0]!.text).to.include("Waiting for route 'mails': 3 messages, the oldest since 2025-01-01T00:00:00.000Z.");
    });

    it('tells that it is over when one signs on', async () => {
      await shop.route('mails');
      await shop.place('1');
      watching();
      await shop.clock.pass(MINUTE);

      await shop.signOn('mails');
      await shop.clock.pass(10 * SECOND);

      expect(told()).to.deep.equal(['no-dispatcher raised', 'no-dispatcher resolved']);
    });

    it('tells nothing while one is alive, or while nothing waits', async () => {
      await shop.route('mails');
      await shop.route('idle', { selection: { streams: ['invoice-'] } });
      await shop.place('1');
      await shop.signOn('mails', 'shop-1', HOUR);

      watching();
      await shop.clock.pass(10 * MINUTE);

      expect(told()).to.deep.equal([]);
    });

    it('tells nothing of a short gap, as a deployment makes it', async () => {
      await shop.route('mails');
      await shop.place('1');
      watching();

      for (let deployments = 0; deployments < 5; deployments++) {
        await shop.clock.pass(20 * SECOND);
        await shop.signOn('mails', 'shop-1', 20 * SECOND);
        await shop.clock.pass(20 * SECOND);
      }

      expect(told()).to.deep.equal([]);
    });

    it('tells after an hour that it holds back retention, also when nothing waits', async () => {
      await shop.route('mails');

      watching();
      await shop.clock.pass(HOUR - 1);
      expect(told()).to.deep.equal([]);
      await shop.clock.pass(1);

      expect(told()).to.deep.equal(['route-abandoned raised']);
    });

    it('tells that this is over when the route is retired', async () => {
      await shop.route('mails');
      watching();
      await shop.clock.pass(HOUR);

      await shop.database.routes.retire('mails');
      await shop.clock.pass(10 * SECOND);

      expect(told()).to.deep.equal(['route-abandoned raised', 'route-abandoned resolved']);
    });
  });

  describe('of a lane that somebody holds', () => {
    let lane: LaneGrant;

    beforeEach(async () => {
      await shop.route('mails');
      await shop.place('1', '2', '3');
      await shop.signOn('mails', 'shop-1', HOUR);
      lane = await shop.hold('mails');
    });

    it('tells when it does not move although messages wait, and when it moves again', async () => {
      watching();
      await shop.clock.pass(MINUTE - 1);
      expect(told()).to.deep.equal([]);
      await shop.clock.pass(1);
      expect(told()).to.deep.equal(['stuck raised']);

      await shop.deliver(lane, 1);
      await shop.clock.pass(10 * SECOND);

      expect(told()).to.deep.equal(['stuck raised', 'stuck resolved']);
    });

    it('tells nothing while it moves, however slowly', async () => {
      watching();

      for (let grant = lane, left = 3; left > 0; left--) {
        await shop.clock.pass(50 * SECOND);
        grant = await shop.deliver(grant, 1);
      }
      await shop.clock.pass(10 * MINUTE);

      expect(told()).to.deep.equal([]);
    });

    it('tells nothing while it moves and as many come in as are delivered', async () => {
      watching();

      let grant = await shop.deliver(lane, 2); // what is left was not committed in one moment
      for (let order = 10; order < 20; order++) {
        await shop.clock.pass(50 * SECOND);
        await shop.place(String(order));
        grant = await shop.deliver(grant, 1);
      }

      expect(told()).to.deep.equal([]);
    });

    it('believes its own dispatcher that it moves, where that cannot be seen from outside', async () => {
      await shop.note('1', 10_001); // all at once, and more than are counted
      const last = { id: 'm-1', type: 'OrderNoted', stream: 'order-1', revision: 0n };
      const watch = watching();

      for (let minutes = 0; minutes < 20; minutes++) {
        watch.hear({ name: 'delivered', event: { route: 'mails', lane: 0, count: 1, last, durationMs: 1, sinceCommitMs: 1 } });
        await shop.clock.pass(MINUTE);
      }
      expect(told()).to.deep.equal([]);
      await shop.clock.pass(10 * MINUTE);

      expect(told()).to.deep.equal(['stuck raised']);
    });

    it('waits ten times as long where more messages wait than are counted: nobody sees that one is gone', async () => {
      await shop.note('1', 10_001);

      watching();
      await shop.clock.pass(10 * MINUTE - 1);
      expect(told()).to.deep.equal([]);
      await shop.clock.pass(1);

      expect(told()).to.deep.equal(['stuck raised']);
      expect(mailbox.alarms[0]!.text).to.include('at least 10,001 messages');
    });

    it('does not call a route abandoned whose lane is held, though nobody has signed on for a while', async () => {
      await shop.database.instances.leave('mails', 'shop-1-id');

      watching({ stuckAfterMs: HOUR });
      await shop.clock.pass(10 * MINUTE);

      expect(told()).to.deep.equal([]);
    });

    it('tells also while more messages come in', async () => {
      watching();

      for (let order = 10; order < 20; order++) {
        await shop.place(String(order));
        await shop.clock.pass(10 * SECOND);
      }

      expect(told()).to.deep.equal(['stuck raised']);
    });

    it('blames no lane while the sink is away, and tells of the outage once for the route', async () => {
      await settle(lane, { state: 'waiting', failure: aFailure({ code: 'SINK_UNAVAILABLE', error: 'connection refused' }) });

      watching();
      await shop.clock.pass(2 * MINUTE - 1);
      expect(told()).to.deep.equal([]);
      await shop.clock.pass(10 * MINUTE);
      await shop.deliver(lane);
      await shop.clock.pass(10 * SECOND);

      expect(told()).to.deep.equal(['sink-unavailable raised', 'sink-unavailable resolved']);
    });

    it('tells of a sink that does not tell what became of a message as of an outage', async () => {
      await settle(lane, { state: 'waiting', failure: aFailure({ code: 'OUTCOME_UNKNOWN', error: 'no answer' }) });

      watching();
      await shop.clock.pass(2 * MINUTE + SECOND);

      expect(mailbox.alarms[0]).to.deep.include({ title: 'The sink of route mails does not tell what became of a message' });
    });

    it('says of a halt at an outcome that nobody knows to look at the target first', async () => {
      await settle(lane, { state: 'halted', failure: aFailure({ code: 'OUTCOME_UNKNOWN', error: 'no answer' }) });

      watching();
      await shop.clock.pass(0);

      expect(mailbox.alarms[0]!.text).to.include("Find out from the target whether it was done. If it was: dispatcher.skip('mails', 'm-1'");
      expect(mailbox.alarms[0]!.text).to.include("If it was not, call dispatcher.resume('mails', 0), which sends it again.");
    });

    it('tells that it is halted, so that it is known although who halted it is gone', async () => {
      await settle(lane, { state: 'halted', failure: aFailure() });

      watching();
      await shop.clock.pass(0);

      expect(told()).to.deep.equal(['lane-halted raised']);
      expect(mailbox.alarms[0]).to.deep.include({ key: 'lane-halted/mails/0', lane: 0 });
    });

    it('leaves it to the holder to tell of a halt, and does not call it over either', async () => {
      const other = new Mailbox();
      watching({ instance: 'shop-1' });
      watching({ instance: 'shop-2' }, other);

      await settle(lane, { state: 'halted', failure: aFailure() });
      await shop.clock.pass(10 * SECOND);

      expect(told()).to.deep.equal(['lane-halted raised']);
      expect(told(other)).to.deep.equal([]);
    });

    it('tells of a stuck lane of another dispatcher after twice the time: that one may have nobody to tell', async () => {
      watching({ instance: 'shop-2' });

      await shop.clock.pass(2 * MINUTE - 1);
      expect(told()).to.deep.equal([]);
      await shop.clock.pass(1);

      expect(told()).to.deep.equal(['stuck raised']);
    });

    it('does not call a halt over because another dispatcher holds the lane now', async () => {
      await settle(lane, { state: 'halted', failure: aFailure() });
      watching({ instance: 'shop-1' });
      await shop.clock.pass(0);

      await shop.database.leases.release([lane.lease]);
      await shop.hold('mails', 'shop-2');
      await shop.clock.pass(MINUTE);

      expect(told()).to.deep.equal(['lane-halted raised']);
    });
  });

  describe('of a stream that has stopped', () => {
    it('tells what a process could not tell any more, and when it flows again', async () => {
      await shop.route('mails');
      await shop.place('7');
      await shop.signOn('mails', 'shop-1', HOUR);
      const lane = await shop.deliver(await shop.hold('mails'));
      await settle(lane, { stopped: [aStoppedStream({ stoppedAt: shop.clock.now() })] });

      watching({ instance: 'shop-1' });
      await shop.clock.pass(0);
      await settle(lane, { resumed: ['order-7'] });
      await shop.clock.pass(10 * SECOND);

      expect(told()).to.deep.equal(['stream-parked raised', 'stream-parked resolved']);
    });

    it('tells nothing of one that stopped long ago: every restart would', async () => {
      await shop.route('mails');
      await shop.place('7');
      await shop.signOn('mails', 'shop-1', HOUR);
      const lane = await shop.deliver(await shop.hold('mails'));
      await settle(lane, { stopped: [aStoppedStream({ stoppedAt: shop.clock.now() })] });

      await shop.clock.pass(5 * MINUTE);
      watching();
      await shop.clock.pass(MINUTE);

      expect(told()).to.deep.equal([]);
    });
  });

  it('goes on after a look that failed', async () => {
    await shop.route('mails');
    await shop.place('1');
    let looks = 0;
    const { routes, status, instances } = shop.database;
    const lanes = async (): ReturnType<typeof status.lanes> => {
      if (++looks <= 2) throw new Error('the connection is cut');
      return status.lanes();
    };

    watching({ database: { routes, instances, status: { lanes, stopped: (query) => status.stopped(query) } } });
    await shop.clock.pass(MINUTE);

    expect(told()).to.deep.equal(['no-dispatcher raised']);
  });

  it('can be stopped while a look hangs, and looks no second time beside it', async () => {
    let looks = 0;
    const { routes, status } = shop.database;
    const instances = { live: () => (looks++, new Promise<never>(() => {})) };

    const watch = watching({ database: { routes, status, instances } });
    await shop.clock.pass(HOUR);
    await watch.stop();

    expect(looks).to.equal(1);
  });

  it('looks no more after it was stopped, and again after it was started', async () => {
    await shop.route('mails');
    await shop.place('1');

    const watch = watching();
    await watch.stop();
    await shop.clock.pass(HOUR);
    expect(told()).to.deep.equal([]);
    watch.start();
    await shop.clock.pass(30 * SECOND);

    expect(told()).to.deep.equal(['no-dispatcher raised']);
  });

  it('refuses times that cannot work', () => {
    for (const nonsense of [{ everyMs: 0 }, { graceMs: -1 }, { stuckAfterMs: NaN }])
      expect(() => watching(nonsense)).to.throw(InvalidOptionsError);
  });
});
