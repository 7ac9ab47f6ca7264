import { expect } from 'chai';
import { laneOf, streamHash, UnitOfWork } from '@waybill/core';
import type { Dispatcher, DispatcherEvents, DispatcherOptions, LaneLease, LaneStatus, Receipt, Sink } from '@waybill/core';
import { InMemoryDatabase, InMemorySink } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { aDispatcher, next, stopDispatchers } from '../shop/dispatching.js';
import { gate } from '@waybill/testing';
import type { Gate } from '@waybill/testing';
import { linkTo } from '../shop/linked-database.js';
import { ManualClock } from '../shop/manual-clock.js';
import { Order, orderEvents } from '../shop/order.js';

const LEASE_MS = 10_000;
/** Of two lanes, the one that the notes are on. */
const ORDER_LANE = laneOf(streamHash('order-7'), 2);

describe('a lane that several processes want to run', () => {
  let clock: ManualClock;
  let database: InMemoryDatabase;
  let unitOfWork: UnitOfWork<InMemoryTx>;

  beforeEach(() => {
    clock = new ManualClock();
    database = new InMemoryDatabase({ clock, lanes: 2 });
    unitOfWork = new UnitOfWork({ database, catalogue: orderEvents, clock });
  });
  stopDispatchers();

  const commitNotes = async (...texts: readonly string[]): Promise<Receipt> =>
    unitOfWork.run(async ({ find, track }) => ((await find(Order, '7')) ?? track(new Order('7'))).note(...texts));
  const process = (instance: string, sink: Sink, options: Partial<DispatcherOptions<'memory'>> = {}): Dispatcher<'memory'> =>
    aDispatcher({ database, catalogue: orderEvents, clock, instance, leaseMs: LEASE_MS, routes: { memory: { sink } }, ...options });
  const leases = async (dispatcher: Dispatcher<'memory'>): Promise<readonly Pick<LaneStatus, 'lane' | 'owner' | 'epoch'>[]> =>
    (await dispatcher.lanes()).map(({ lane, owner, epoch }) => ({ lane, owner, epoch }));
  const owners = async (dispatcher: Dispatcher<'memory'>): Promise<readonly (string | undefined)[]> =>
    (await leases(dispatcher)).map(({ owner }) => owner);
  /** A sink that accepts, but only when its gate is opened. */
  const held = (sink: Sink): Sink & { readonly busy: Gate; readonly mayGoOn: Gate } => {
    const [busy, mayGoOn] = [gate(), gate()];
    return {
      busy,
      mayGoOn,
      async deliver(batch, context) {
        busy.open();
        await mayGoOn.opened;
        return sink.deliver(batch, context);
      },
    };
  };

  it('is run by one of them', async () => {
    const sinks = [new InMemorySink(), new InMemorySink()] as const;
    const dispatchers = [process('one', sinks[0]), process('two', sinks[1])] as const;
    for (const dispatcher of dispatchers) await dispatcher.start();
    await clock.pass(100);

    await commitNotes('a', 'b');
    await clock.pass(1_000);

    expect(sinks.map(({ delivered }) => delivered.length)).to.have.members([2, 0]);
    const { owner } = (await dispatchers[0].lanes())[ORDER_LANE]!;
    expect(owner).to.equal(sinks[0].delivered.length > 0 ? 'one' : 'two');
  });

  it('is kept for as long as its process lives', async () => {
    const dispatcher = process('one', new InMemorySink());
    await dispatcher.start();
    const second = process('two', new InMemorySink());
    await second.start();
    await clock.pass(LEASE_MS);
    const shares = await leases(dispatcher);

    await clock.pass(10 * LEASE_MS);

    expect(shares.map(({ owner }) => owner)).to.have.members(['one', 'two']);
    expect(await leases(dispatcher)).to.deep.equal(shares);
  });

  it('is handed over at once by a process that stops', async () => {
    const [first, second] = [process('one', new InMemorySink()), process('two', new InMemorySink())];
    await first.start();
    await second.start();
    await clock.pass(1_000);
    const before = (await leases(first)).filter(({ owner }) => owner === 'one');
    const acquired: DispatcherEvents['lane-acquired'][] = [];
    second.on('lane-acquired', (event) => acquired.push(event));

    await first.stop();
    await clock.pass(100);

    expect(before).to.have.length(1);
    expect(acquired.map(({ lane, takenOver }) => ({ lane, takenOver }))).to.deep.equal([{ lane: before[0]!.lane, takenOver: false }]);
    expect(acquired[0]!.epoch > before[0]!.epoch).to.equal(true);
  });

  it('is handed over by a process that stops also while another lane of it still finishes a batch', async () => {
    database = new InMemoryDatabase({ clock, lanes: 4 });
    unitOfWork = new UnitOfWork({ database, catalogue: orderEvents, clock });
    const stuck = held(new InMemorySink());
    const first = process('one', stuck, { stopWithinMs: LEASE_MS });
    await first.start();
    await clock.pass(100);
    await commitNotes('a');
    await stuck.busy.opened;
    const second = process('two', new InMemorySink());

    const stopped = first.stop();
    await second.start();
    await clock.pass(100);

    expect(await owners(second)).to.have.members(['one', 'two', 'two', 'two']);
    stuck.mayGoOn.open();
    await clock.pass(100);
    await stopped;
    expect(await owners(second)).to.deep.equal(['two', 'two', 'two', 'two']);
  });

  it('is taken over from a process that is gone, after its lease, and told as such', async () => {
    const link = linkTo(database);
    const [first, second] = [process('one', new InMemorySink(), { database: link.database }), process('two', new InMemorySink())];
    await first.start();
    await second.start();
    await clock.pass(1_000);
    const acquired: boolean[] = [];
    second.on('lane-acquired', ({ takenOver }) => acquired.push(takenOver));

    link.cut = true;
    await clock.pass(LEASE_MS - 3_400);
    expect(acquired).to.deep.equal([]);
    await clock.pass(3_400 + 100);

    expect(acquired).to.deep.equal([true]);
    expect(await owners(second)).to.deep.equal(['two', 'two']);
  });

  it('is let go by a process that cannot renew its lease, before anybody else may have it', async () => {
    const link = linkTo(database);
    const dispatcher = process('one', new InMemorySink(), { database: link.database });
    await dispatcher.start();
    await clock.pass(100);
    const held = await leases(dispatcher);
    const lost: DispatcherEvents['lease-lost'][] = [];
    dispatcher.on('lease-lost', (event) => lost.push(event));

    link.cut = true;
    await clock.pass(LEASE_MS);

    expect(lost).to.deep.equal(held.map(({ lane, epoch }) => ({ route: 'memory', lane, epoch })));
  });

  it("is told to be lost also while it is idle, and where timers fire a little too early, as Node's do", async () => {
    class HastyClock extends ManualClock {
      override after(ms: number, act: () => void): () => void {
        return super.after(Math.max(0, ms - 0.5), act);
      }
    }
    clock = new HastyClock();
    database = new InMemoryDatabase({ clock, lanes: 2 });
    const link = linkTo(database);
    const dispatcher = process('one', new InMemorySink(), { database: link.database });
    await dispatcher.start();
    await clock.pass(100);
    let lost = 0;
    dispatcher.on('lease-lost', () => lost++);

    link.cut = true;
    await clock.pass(LEASE_MS);

    expect(lost).to.equal(2);
  });

  it('delivers what the process before it did not settle, from where that one was', async () => {
    const [delivered, link] = [new InMemorySink(), linkTo(database)];
    const stuck = held(delivered);
    const first = process('one', stuck, { database: link.database });
    await first.start();
    await clock.pass(100);
    await commitNotes('a', 'b');
    await stuck.busy.opened;
    link.cut = true;

    const second = process('two', delivered);
    await second.start();
    await clock.pass(2 * LEASE_MS);

    expect(delivered.delivered.map(({ revision }) => revision)).to.deep.equal([0n, 1n]);
    stuck.mayGoOn.open();
  });

  describe('by a process that was frozen', () => {
    /** The first process is caught in the middle of a delivery; the second has taken over, delivered everything, and gone on. */
    const frozen = async (): Promise<{
      first: Dispatcher<'memory'>;
      stuck: ReturnType<typeof held>;
      sink: InMemorySink;
      lost: Promise<unknown>;
      epoch: bigint;
      receipt: Receipt;
    }> => {
      const [sink, link] = [new InMemorySink(), linkTo(database)];
      const stuck = held(sink);
      const first = process('one', stuck, { database: link.database });
      await first.start();
      await clock.pass(100);
      const { epoch } = (await leases(first))[ORDER_LANE]!;
      const receipt = await commitNotes('a', 'b');
      await stuck.busy.opened;
      link.cut = true;
      const lost = next(first, 'lease-lost', ({ lane }) => lane === ORDER_LANE);
      const second = process('two', sink);
      await second.start();
      await clock.pass(2 * LEASE_MS);
      await commitNotes('c');
      await clock.pass(1_000);
      link.cut = false;
      return { first, stuck, sink, lost, epoch, receipt };
    };

    it('changes no row when it wakes up, and says loudly that it lost the lease', async () => {
      const { first, stuck, lost, epoch, receipt } = await frozen();
      const standing = async (): Promise<unknown> =>
        (await first.lanes()).map(({ lane, state, failure, pending, stopped }) => ({ lane, state, failure, pending, stopped }));
      const before = await standing();

      stuck.mayGoOn.open();
      await clock.pass(100);

      expect(await lost).to.deep.equal({ route: 'memory', lane: ORDER_LANE, epoch });
      expect(await standing()).to.deep.equal(before);
      const tries = await database.status.attempts({ messageId: receipt.messages[0]!.id });
      expect(tries.map(({ instance }) => instance)).to.deep.equal(['two']);
    });

    it('leaves nothing out: what it sends late is a duplicate', async () => {
      const { stuck, sink } = await frozen();

      stuck.mayGoOn.open();
      await clock.pass(100);

      expect(sink.delivered.map(({ revision }) => revision)).to.deep.equal([0n, 1n, 2n, 0n, 1n]);
      expect(sink.events('order-7')).to.have.length(3);
    });

    it('is told to stop sending', async () => {
      const signals: AbortSignal[] = [];
      const link = linkTo(database);
      const stuck = held(new InMemorySink());
      const watching: Sink = { deliver: (batch, context) => (signals.push(context.signal), stuck.deliver(batch, context)) };
      await process('one', watching, { database: link.database }).start();
      await clock.pass(100);
      await commitNotes('a');
      await stuck.busy.opened;
      expect(signals[0]!.aborted).to.equal(false);

      link.cut = true;
      await clock.pass(LEASE_MS);

      expect(signals[0]!.aborted).to.equal(true);
      stuck.mayGoOn.open();
    });

    it('notices by the wall clock that it has slept, also when no time seems to have passed', async () => {
      const sink = new InMemorySink();
      const dispatcher = process('one', sink);
      await dispatcher.start();
      await clock.pass(100);
      const { lane, epoch } = (await leases(dispatcher))[ORDER_LANE]!;
      const lost = next(dispatcher, 'lease-lost');

      clock.suspend(LEASE_MS);
      await commitNotes('a');
      await clock.pass(1);

      expect(await lost).to.include({ lane, epoch });
      expect(sink.delivered).to.deep.equal([]);
    });

    it('is stopped by the database when its own clocks tell it nothing', async () => {
      const stuck = held(new InMemorySink());
      const fenced = process('one', stuck);
      await fenced.start();
      await clock.pass(100);
      await commitNotes('a');
      await stuck.busy.opened;
      const lost = next(fenced, 'lease-lost', ({ lane }) => lane === ORDER_LANE);
      const lanes = await fenced.lanes();
      await database.leases.release(lanes.map(({ route, lane, epoch }): LaneLease => ({ route, lane, epoch, expiresAt: new Date() })));
      await database.leases.acquire({ route: 'memory', owner: 'somebody else', leaseMs: LEASE_MS, most: 2 });

      stuck.mayGoOn.open();

      expect(await lost).to.include({ epoch: lanes[ORDER_LANE]!.epoch });
      expect((await fenced.lanes()).map(({ pending }) => pending)).to.have.members([1, 0]);
    });

    it('comes back, under a new lease, when nobody else took the lane', async () => {
      const sink = new InMemorySink();
      const dispatcher = process('one', sink);
      await dispatcher.start();
      await clock.pass(100);
      const before = await leases(dispatcher);

      clock.suspend(2 * LEASE_MS);
      await commitNotes('a');
      await clock.pass(LEASE_MS);

      expect(sink.delivered).to.have.length(1);
      const after = await leases(dispatcher);
      expect(after.map(({ owner }) => owner)).to.deep.equal(['one', 'one']);
      expect(after.every(({ lane, epoch }) => epoch > before[lane]!.epoch)).to.equal(true);
    });
  });

  it('tells its sink the epoch, so that a target can refuse an older one', async () => {
    const epochs: bigint[] = [];
    const sink: Sink = { deliver: async (batch, { epoch }) => (epochs.push(epoch), { accepted: batch.length }) };
    const first = process('one', sink);
    await first.start();
    await clock.pass(100);
    await commitNotes('a');
    await clock.pass(100);
    await first.stop();

    await process('two', sink).start();
    await commitNotes('b');
    await clock.pass(100);

    expect(epochs).to.have.length(2);
    expect(epochs[1]! > epochs[0]!).to.equal(true);
  });
});
