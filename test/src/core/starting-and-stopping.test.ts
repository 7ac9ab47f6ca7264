import { expect } from 'chai';
import { SchemaMismatchError, UnitOfWork } from '@waybill/core';
import type { Dispatcher, DispatcherOptions, LaneLeases, LaneStore, Receipt, Sink } from '@waybill/core';
import { InMemoryDatabase, InMemorySink } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { aDispatcher, next, stopDispatchers } from '../shop/dispatching.js';
import { failureOf } from '../shop/failure-of.js';
import { gate } from '@waybill/testing';
import type { Gate } from '@waybill/testing';
import { ManualClock } from '../shop/manual-clock.js';
import { Order, orderEvents } from '../shop/order.js';

class WatchedSink implements Sink {
  readonly calls: string[] = [];

  constructor(
    private readonly name: string,
    private readonly failing: { readonly start?: boolean; readonly stop?: boolean } = {},
  ) {}

  async start(): Promise<void> {
    this.calls.push('start');
    if (this.failing.start) throw new Error(`${this.name} cannot start`);
  }

  async deliver(batch: readonly unknown[]): Promise<{ accepted: number }> {
    this.calls.push('deliver');
    return { accepted: batch.length };
  }

  async stop(): Promise<void> {
    this.calls.push('stop');
    if (this.failing.stop) throw new Error(`${this.name} cannot stop`);
  }
}

describe('starting and stopping a dispatcher', () => {
  let database: InMemoryDatabase;
  let unitOfWork: UnitOfWork<InMemoryTx>;

  beforeEach(() => {
    database = new InMemoryDatabase({ lanes: 2 });
    unitOfWork = new UnitOfWork({ database, catalogue: orderEvents });
  });
  stopDispatchers();

  const commitNotes = async (...texts: readonly string[]): Promise<Receipt> =>
    unitOfWork.run(async ({ find, track }) => ((await find(Order, '7')) ?? track(new Order('7'))).note(...texts));
  const dispatcherTo = (sink: Sink, options: Partial<DispatcherOptions<'memory'>> = {}): Dispatcher<'memory'> =>
    aDispatcher({ database, catalogue: orderEvents, routes: { memory: { sink } }, ...options });
  const unleased = async (dispatcher: Dispatcher<'memory'>): Promise<boolean> =>
    (await dispatcher.lanes()).every(({ owner }) => owner === undefined);
  const heldSink = (): {
    readonly sink: Sink;
    readonly accepted: string[];
    readonly signals: AbortSignal[];
    readonly busy: Gate;
    readonly mayGoOn: Gate;
  } => {
    const [busy, mayGoOn, accepted, signals] = [gate(), gate(), [] as string[], [] as AbortSignal[]];
    const sink: Sink = {
      async deliver(batch, { signal }) {
        signals.push(signal);
        busy.open();
        await mayGoOn.opened;
        accepted.push(...batch.map(({ revision }) => String(revision)));
        return { accepted: batch.length };
      },
    };
    return { sink, accepted, signals, busy, mayGoOn };
  };

  describe('a stop', () => {
    it('finishes the batch in flight, settles it, delivers nothing more, and releases the leases', async () => {
      const { sink, accepted, busy, mayGoOn } = heldSink();
      const receipt = await commitNotes('a', 'b');
      await commitNotes('c');
      const running = dispatcherTo(sink, { routes: { memory: { sink, batch: { size: 2 }, start: 'beginning' } } });
      await running.start();
      await busy.opened;

      const stopped = running.stop();
      mayGoOn.open();
      await stopped;

      expect(accepted).to.deep.equal(['0', '1']);
      expect(await running.delivered(receipt, 'memory')).to.equal('delivered');
      expect((await running.lanes()).map(({ pending }) => pending)).to.have.members([1, 0]);
      expect(await unleased(running)).to.equal(true);
    });

    it('keeps its leases until the batch in flight is settled, however long that takes', async () => {
      const clock = new ManualClock();
      database = new InMemoryDatabase({ lanes: 2, clock });
      unitOfWork = new UnitOfWork({ database, catalogue: orderEvents, clock });
      const { sink, busy, mayGoOn } = heldSink();
      const dispatcher = dispatcherTo(sink, { clock, leaseMs: 1_000, stopWithinMs: 60_000 });
      let lost = 0;
      dispatcher.on('lease-lost', () => void lost++);
      await dispatcher.start();
      await clock.pass(10);
      await commitNotes('a');
      await busy.opened;

      const stopped = dispatcher.stop();
      await clock.pass(5_000);
      mayGoOn.open();
      await clock.pass(1_000);
      await stopped;

      expect(lost).to.equal(0);
      expect((await dispatcher.lanes()).map(({ pending }) => pending)).to.deep.equal([0, 0]);
      expect(await unleased(dispatcher)).to.equal(true);
    });

    it('cuts a delivery short that takes longer than the stop may', async () => {
      const clock = new ManualClock();
      const { sink, signals, busy, mayGoOn } = heldSink();
      const dispatcher = dispatcherTo(sink, { clock, stopWithinMs: 500 });
      await dispatcher.start();
      await clock.pass(10);
      await commitNotes('a');
      await busy.opened;

      const stopped = dispatcher.stop();
      await clock.pass(499);
      expect(signals[0]!.aborted).to.equal(false);
      await clock.pass(1);
      expect(signals[0]!.aborted).to.equal(true);

      mayGoOn.open();
      await clock.pass(1_000);
      await stopped;
    });

    it('does not wait for a lane that waits', async () => {
      const sink = new InMemorySink();
      sink.break();
      const dispatcher = dispatcherTo(sink, { routes: { memory: { sink, retry: { firstMs: 3_600_000, maxMs: 3_600_000 } } } });
      const waiting = next(dispatcher, 'waiting');
      await dispatcher.start();
      await commitNotes('a');
      await waiting;

      await dispatcher.stop();

      expect(await unleased(dispatcher)).to.equal(true);
    });

    it('gives back also the lanes that it was just about to get', async () => {
      const [asked, mayAnswer] = [gate(), gate()];
      const { leases: real } = database;
      const leases: LaneLeases = {
        laneCount: (route) => real.laneCount(route),
        renew: (held, leaseMs) => real.renew(held, leaseMs),
        release: (held) => real.release(held),
        async acquire(options) {
          const grants = await real.acquire(options);
          asked.open();
          await mayAnswer.opened;
          return grants;
        },
      };
      const dispatcher = dispatcherTo(new InMemorySink(), {
        database: Object.assign(Object.create(database) as InMemoryDatabase, { leases }),
      });
      await dispatcher.start();
      await asked.opened;

      const stopped = dispatcher.stop();
      mayAnswer.open();
      await stopped;

      expect(await unleased(dispatcher)).to.equal(true);
    });

    it('releases the leases also when the last settlement fails', async () => {
      const sink = new InMemorySink();
      const broken = Object.assign(Object.create(database) as InMemoryDatabase, {
        lanes: Object.assign(Object.create(database.lanes) as LaneStore, { settle: () => Promise.reject(new Error('the disk is full')) }),
      });
      const dispatcher = dispatcherTo(sink, { database: broken });
      await dispatcher.start();
      await new Promise((resolve) => setImmediate(resolve));

      await dispatcher.stop();

      expect(await unleased(dispatcher)).to.equal(true);
    });

    it('stops the sinks last, each once, and tells when it is over', async () => {
      const sink = new WatchedSink('sink');
      const dispatcher = aDispatcher({ database, catalogue: orderEvents, routes: { one: { sink }, two: { sink } } });
      const stopped = next(dispatcher, 'stopped');
      await dispatcher.start();
      const receipt = await commitNotes('a');
      await dispatcher.delivered(receipt, 'one');
      await dispatcher.delivered(receipt, 'two');

      await dispatcher.stop();

      expect(sink.calls).to.deep.equal(['start', 'deliver', 'deliver', 'stop']);
      await stopped;
    });

    it('stops the other sinks when one cannot, tells of it, and can be followed by a start', async () => {
      const [bad, good] = [new WatchedSink('bad', { stop: true }), new WatchedSink('good')];
      const dispatcher = aDispatcher({ database, catalogue: orderEvents, routes: { bad: { sink: bad }, good: { sink: good } } });
      const trouble = next(dispatcher, 'trouble');
      await dispatcher.start();

      await dispatcher.stop();

      expect((await trouble).error).to.have.property('message', 'bad cannot stop');
      expect(good.calls).to.deep.equal(['start', 'stop']);
      await dispatcher.start();
      await dispatcher.delivered(await commitNotes('a'), 'good');
    });

    it('is nothing where nothing runs, and nothing more the second time', async () => {
      const sink = new WatchedSink('sink');
      const dispatcher = dispatcherTo(sink);
      await dispatcher.stop();
      await dispatcher.start();

      await Promise.all([dispatcher.stop(), dispatcher.stop()]);
      await dispatcher.stop();

      expect(sink.calls).to.deep.equal(['start', 'stop']);
    });

    it('comes with the signal that was given to start', async () => {
      const abort = new AbortController();
      const dispatcher = dispatcherTo(new InMemorySink());
      const stopped = next(dispatcher, 'stopped');
      await dispatcher.start({ signal: abort.signal });

      abort.abort();

      await stopped;
      expect(await unleased(dispatcher)).to.equal(true);
    });

    it('comes at once where the signal was aborted before', async () => {
      const dispatcher = dispatcherTo(new InMemorySink());

      await dispatcher.start({ signal: AbortSignal.abort() });

      expect(await unleased(dispatcher)).to.equal(true);
    });

    it("of an earlier run's signal does not end a later run", async () => {
      const abort = new AbortController();
      const dispatcher = dispatcherTo(new InMemorySink());
      await dispatcher.start({ signal: abort.signal });
      await dispatcher.stop();
      await dispatcher.start();

      abort.abort();

      expect(await dispatcher.delivered(await commitNotes('a'), 'memory')).to.equal('delivered');
    });

    it('in the middle of a start ends what the start begins', async () => {
      const mayStart = gate();
      const sink = new WatchedSink('sink');
      const slow: Sink = {
        start: async () => (await mayStart.opened, sink.start()),
        deliver: (batch) => sink.deliver(batch),
        stop: () => sink.stop(),
      };
      const dispatcher = dispatcherTo(slow);
      const started = dispatcher.start();

      const stopped = dispatcher.stop();
      mayStart.open();
      await Promise.all([started, stopped]);

      expect(sink.calls).to.deep.equal(['start', 'stop']);
      expect(await unleased(dispatcher)).to.equal(true);
    });
  });

  describe('a start', () => {
    it('is one, however often it is asked for', async () => {
      const sink = new WatchedSink('sink');
      const dispatcher = dispatcherTo(sink);

      await Promise.all([dispatcher.start(), dispatcher.start()]);
      await dispatcher.start();

      expect(sink.calls).to.deep.equal(['start']);
    });

    it('has started whoever asked for it, or failed them all', async () => {
      const dispatcher = dispatcherTo(new WatchedSink('sink', { start: true }));

      const outcomes = await Promise.allSettled([dispatcher.start(), dispatcher.start()]);

      expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected']);
    });

    it('goes on where the run before it was', async () => {
      const sink = new InMemorySink();
      const dispatcher = dispatcherTo(sink);
      await dispatcher.start();
      await dispatcher.delivered(await commitNotes('a'), 'memory');
      await dispatcher.stop();
      const receipt = await commitNotes('b');

      await dispatcher.start();
      await dispatcher.delivered(receipt, 'memory');

      expect(sink.delivered.map(({ revision }) => revision)).to.deep.equal([0n, 1n]);
    });

    it('that a sink rejects leaves nothing running, and can be repeated', async () => {
      const good = new WatchedSink('good');
      let broken = true;
      const bad: Sink = {
        async start() {
          if (broken) throw new Error('no address');
        },
        deliver: async (batch) => ({ accepted: batch.length }),
      };
      const dispatcher = aDispatcher({ database, catalogue: orderEvents, routes: { good: { sink: good }, bad: { sink: bad } } });

      const error = await dispatcher.start().catch((thrown: unknown) => thrown);

      expect(error).to.have.property('message', 'no address');
      expect(good.calls).to.deep.equal(['start', 'stop']);
      const receipt = await commitNotes('a');
      expect((await dispatcher.lanes()).every(({ owner, pending }) => owner === undefined && pending <= 1)).to.equal(true);

      broken = false;
      await dispatcher.start();
      expect(await dispatcher.delivered(receipt, 'bad')).to.equal('delivered');
    });

    it('is refused by a database that is not what it should be, before any sink is started', async () => {
      const sink = new WatchedSink('sink');
      const wrong = Object.assign(Object.create(database) as InMemoryDatabase, {
        verify: () => Promise.reject(new SchemaMismatchError('Table waybill.outbox is missing: run migrate().')),
      });

      const error = await failureOf('SCHEMA_MISMATCH', () => dispatcherTo(sink, { database: wrong }).start());

      expect(error.message).to.include('run migrate()');
      expect(sink.calls).to.deep.equal([]);
    });
  });
});
