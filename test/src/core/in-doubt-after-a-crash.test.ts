import { expect } from 'chai';
import { SinkUnavailableError } from '@waybill/core';
import type { Dispatcher, DispatcherEvents, DispatcherOptions, LaneStore, RouteOptions, Settlement, Sink } from '@waybill/core';
import type { InMemoryDatabase } from '@waybill/core/in-memory';
import { CrashPoints } from '@waybill/testing';
import { stopDispatchers } from '../shop/dispatching.js';
import { linkTo } from '../shop/linked-database.js';
import { says } from '../shop/moody-sink.js';
import { OrderDesk } from '../shop/order-desk.js';
import { Till } from '../shop/till.js';

const LEASE_MS = 10_000;
const UNTIL_TAKEN_OVER_MS = LEASE_MS + 1_100;

describe('after a crash in the middle of a delivery', () => {
  let desk: OrderDesk;
  let till: Till;

  beforeEach(() => {
    desk = new OrderDesk();
    till = new Till('query');
  });
  stopDispatchers();

  const NOTHING: Partial<RouteOptions> = {};

  /** A process that is gone right after its target has taken a message that says so. */
  const mortal = async (sink: Sink, route = NOTHING, options: Partial<DispatcherOptions> = {}): Promise<Dispatcher<'memory'>> => {
    const link = linkTo(desk.database);
    const dying: Sink = {
      ...(sink.mostAtOnce !== undefined && { mostAtOnce: sink.mostAtOnce }),
      async deliver(batch, context) {
        const delivery = await sink.deliver(batch, context);
        if (delivery.accepted === 0 || !batch.some(says('last words'))) return delivery;
        link.cut = true;
        await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
        return { accepted: 0, failure: new SinkUnavailableError('the process is gone') };
      },
    };
    return desk.started({ sink: dying, ...route }, { database: link.database, instance: 'mortal', leaseMs: LEASE_MS, ...options });
  };
  const survivor = (sink: Sink, route = NOTHING): Promise<Dispatcher<'memory'>> =>
    desk.started({ sink, ...route }, { instance: 'survivor', leaseMs: LEASE_MS });

  it('exactly the message that was sent is in doubt, where its target takes one at a time', async () => {
    await mortal(till);
    await desk.note('7', 'a', 'last words', 'b', 'c');
    await desk.clock.pass(UNTIL_TAKEN_OVER_MS);

    await survivor(till);
    await desk.clock.pass(1_000);

    expect(till.calls).to.deep.equal(['7@0', '7@1', '7@1 again?', '7@2', '7@3']);
    expect(till.charged).to.deep.equal(['7@0', '7@1', '7@2', '7@3']);
  });

  it('nothing is in doubt that was committed when the process was gone, or that it had not come to', async () => {
    const link = linkTo(desk.database);
    await desk.started({ sink: till }, { database: link.database, instance: 'idle', leaseMs: LEASE_MS });
    link.cut = true;
    await desk.note('7', 'a', 'b');
    await desk.clock.pass(UNTIL_TAKEN_OVER_MS);

    await survivor(new Till('halt'));
    await desk.clock.pass(1_000);

    const [lane] = await desk.database.status.lanes();
    expect(lane).to.include({ state: 'running', pending: 0, suspects: 0, failure: undefined });
  });

  it('what is in doubt waits for a person where nobody can be asked, and is sent when that person says so', async () => {
    till = new Till('halt');
    await mortal(till);
    await desk.note('7', 'last words', 'b');
    await desk.clock.pass(UNTIL_TAKEN_OVER_MS);
    const second = await survivor(till);
    await desk.clock.pass(1_000);
    const [halted] = await second.lanes();

    await second.resume('memory', 0);
    await desk.clock.pass(1_000);

    expect(halted).to.include({ state: 'halted' });
    expect(halted!.failure).to.include({ code: 'OUTCOME_UNKNOWN' });
    expect(till.calls).to.deep.equal(['7@0', '7@0 again?', '7@0', '7@1']);
    expect((await second.lanes())[0]).to.include({ state: 'running', suspects: 0, pending: 0 });
  });

  it('a message that was resumed is in doubt again when the next process is gone with it', async () => {
    till = new Till('halt');
    await mortal(till);
    await desk.note('7', 'last words');
    await desk.clock.pass(UNTIL_TAKEN_OVER_MS);
    const second = await mortal(till, {}, { instance: 'second' });
    await desk.clock.pass(1_000);
    await second.resume('memory', 0);
    await desk.clock.pass(UNTIL_TAKEN_OVER_MS);

    await survivor(till);
    await desk.clock.pass(1_000);

    expect(till.calls).to.deep.equal(['7@0', '7@0 again?', '7@0', '7@0 again?']);
  });

  it('a message of a stream that was redriven is in doubt, and none of those behind it', async () => {
    desk.sink.feel(() => 'refuse-for-good');
    const first = await desk.started({ onFailure: 'park-stream' });
    await desk.note('7', 'a', 'last words', 'c');
    await desk.clock.pass(1_000);
    await first.stop();
    await first.redrive('memory', 'all');
    await mortal(till, { onFailure: 'park-stream' });
    await desk.clock.pass(UNTIL_TAKEN_OVER_MS);

    await survivor(till, { onFailure: 'park-stream' });
    await desk.clock.pass(1_000);

    expect(till.calls).to.deep.equal(['7@0', '7@1', '7@1 again?', '7@2']);
    expect(till.charged).to.deep.equal(['7@0', '7@1', '7@2']);
  });

  it('a sink that takes batches is told that they may be repeats, one by one, until a person has the lane go on', async () => {
    const told: (readonly [number, boolean])[] = [];
    const batches: Sink = {
      deliver(batch, context) {
        told.push([batch.length, context.mayBeRepeat]);
        return desk.sink.deliver(batch, context);
      },
    };
    await mortal(desk.sink);
    await desk.note('7', 'a', 'last words', 'c', 'd');
    await desk.clock.pass(UNTIL_TAKEN_OVER_MS);
    desk.sink.feel((message) => (says('last words')(message) ? 'refuse-for-good' : 'accept'));

    const second = await survivor(batches);
    await desk.clock.pass(1_000);
    desk.sink.feel(() => 'accept');
    await second.resume('memory', 0);
    await desk.clock.pass(1_000);

    expect(told).to.deep.equal([
      [1, true],
      [1, true],
      [3, false],
    ]);
  });

  it('and three such crashes in a row, only a person can tell', async () => {
    await desk.note('7', 'last words');
    for (let death = 0; death < 3; death++) {
      await mortal(till, {}, { instance: `process ${death}` });
      await desk.clock.pass(UNTIL_TAKEN_OVER_MS);
    }

    const dispatcher = await survivor(till);
    await desk.clock.pass(1_000);

    const [lane] = await dispatcher.lanes();
    expect(lane).to.include({ state: 'halted' });
    expect(lane!.failure).to.include({ code: 'OUTCOME_UNKNOWN' });
    expect(lane!.failure!.error).to.include('3 times in a row');
    expect(till.charged).to.deep.equal(['7@0']);
  });

  describe('of the database', () => {
    /** A way to the database on which settlements do not arrive, or their answers do not. */
    const settling = (how: (settle: () => Promise<void>, settlement: Settlement) => Promise<void>): InMemoryDatabase => {
      const { lanes } = desk.database;
      const broken: LaneStore = Object.assign(Object.create(lanes) as LaneStore, {
        settle: (...args: Parameters<LaneStore['settle']>) => how(() => lanes.settle(...args), args[1]),
      });
      return Object.create(desk.database, { lanes: { value: broken } }) as InMemoryDatabase;
    };
    const hasDelivered = ({ attempts = [] }: Settlement): boolean => attempts.some(({ outcome }) => outcome === 'delivered');

    it('what was delivered is stored as soon as it is back, told of, and not delivered again', async () => {
      let isAway = true;
      const database = settling((settle, settlement) =>
        isAway && hasDelivered(settlement) ? Promise.reject(new Error('the disk is full')) : settle(),
      );
      const link = linkTo(database);
      const dispatcher = desk.dispatcher({ sink: till }, { database: link.database });
      const told = desk.listenTo(dispatcher);
      await desk.note('7', 'a', 'b');
      await dispatcher.start();
      await desk.clock.pass(500);
      link.cut = true;
      await desk.clock.pass(5_000);

      [link.cut, isAway] = [false, false];
      await desk.clock.pass(31_000);

      expect(till.calls).to.deep.equal(['7@0', '7@1']);
      expect(
        told.filter(({ name }) => name === 'delivered').map(({ event }) => (event as DispatcherEvents['delivered']).last.revision),
      ).to.deep.equal([0n, 1n]);
    });

    it('what was delivered and is refused when it is stored again is in doubt', async () => {
      let refusals = 2;
      const database = settling((settle, settlement) =>
        hasDelivered(settlement) && refusals-- > 0 ? Promise.reject(new Error('the disk is full')) : settle(),
      );
      await desk.started({ sink: till }, { database });

      await desk.note('7', 'a', 'b');
      await desk.clock.pass(60_000);

      expect(till.calls).to.deep.equal(['7@0', '7@0 again?', '7@1']);
      expect(till.charged).to.deep.equal(['7@0', '7@1']);
    });

    for (const [what, sink] of [
      ['takes batches', (): Sink => desk.sink],
      ['takes one message at a time', (): Sink => till],
    ] as const) {
      it(`a lane with such a delivery is not given back when its dispatcher stops: the next one takes it for in doubt (a sink that ${what})`, async () => {
        const database = settling((settle, settlement) =>
          hasDelivered(settlement) ? Promise.reject(new Error('the disk is full')) : settle(),
        );
        const first = await desk.started({ sink: sink() }, { database, instance: 'first', leaseMs: LEASE_MS });
        const told = desk.listenTo(first);
        await desk.note('7', 'a');
        await desk.clock.pass(100);

        await first.stop();
        const asked: boolean[] = [];
        const next: Sink = {
          ...(sink().mostAtOnce !== undefined && { mostAtOnce: 1 }),
          deliver(batch, { mayBeRepeat }) {
            asked.push(mayBeRepeat);
            return Promise.resolve({ accepted: batch.length });
          },
        };
        const second = desk.dispatcher({ sink: next }, { instance: 'second', leaseMs: LEASE_MS });
        const acquired = desk.listenTo(second);
        await second.start();
        await desk.clock.pass(LEASE_MS - 2_000);
        expect(acquired).to.deep.equal([]);
        await desk.clock.pass(3_000);

        expect(told.map(({ name }) => name)).not.to.include('lane-released');
        expect(told.at(-1)!.name).to.equal('trouble');
        expect(acquired[0]).to.deep.include({ name: 'lane-acquired' });
        expect(acquired[0]!.event).to.include({ takenOver: true });
        expect(asked).to.deep.equal([true]);
      });
    }
  });

  it('a delivery that broke off before it was settled is in doubt in the same process, too', async () => {
    const crashPoints = new CrashPoints();
    crashPoints.throwAt('delivered');
    await desk.started({ sink: till }, { reached: crashPoints.reached });

    await desk.note('7', 'a', 'b');
    await desk.clock.pass(31_000);

    expect(till.calls).to.deep.equal(['7@0', '7@0 again?', '7@1']);
    expect(till.charged).to.deep.equal(['7@0', '7@1']);
  });
});
