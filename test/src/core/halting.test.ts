import { expect } from 'chai';
import { laneOf, MessageRejectedError, SinkUnavailableError, SKIPPED_TYPE, streamHash, UnitOfWork } from '@waybill/core';
import type {
  Dispatcher,
  DispatcherOptions,
  LaneLease,
  OutboxMessage,
  ReadOptions,
  ReadTailOptions,
  Receipt,
  RouteOptions,
  Settlement,
  Sink,
} from '@waybill/core';
import { InMemoryDatabase, InMemorySink } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { aDispatcher, next, QUICKLY, startUntil, stopDispatchers } from '../shop/dispatching.js';
import { failureOf } from '../shop/failure-of.js';
import { Order, orderEvents } from '../shop/order.js';

const placeOf = ({ stream, revision }: { readonly stream: string; readonly revision: bigint }): string => `${stream}@${revision}`;
const isBad = ({ data }: OutboxMessage): boolean => (data as { text?: string }).text === 'bad';

describe('a lane', () => {
  let database: InMemoryDatabase;
  let unitOfWork: UnitOfWork<InMemoryTx>;
  let sink: InMemorySink;

  beforeEach(() => {
    database = new InMemoryDatabase({ lanes: 2 });
    unitOfWork = new UnitOfWork({ database, catalogue: orderEvents });
    sink = new InMemorySink();
    sink.refuse(isBad);
  });
  stopDispatchers();

  const commitNotes = async (id: string, ...texts: readonly string[]): Promise<Receipt> =>
    unitOfWork.run(async ({ find, track }) => ((await find(Order, id)) ?? track(new Order(id))).note(...texts));
  const dispatcherTo = (route: Partial<RouteOptions> = {}, options: Partial<DispatcherOptions> = {}): Dispatcher<'memory'> =>
    aDispatcher({
      ...{ database, catalogue: orderEvents, ...options },
      routes: { memory: { sink, start: 'beginning', retry: { ...QUICKLY, attempts: 3 }, ...route } },
    });
  /** Two streams of one lane, and one of the other. */
  const [one, sameLane, otherLane] = ((): [string, string, string] => {
    const ids = Array.from({ length: 20 }, (_, index) => String(index));
    const [first, ...others] = ids;
    const lane = (id: string): number => laneOf(streamHash(`order-${id}`), 2);
    return [first!, others.find((id) => lane(id) === lane(first!))!, others.find((id) => lane(id) !== lane(first!))!];
  })();

  describe('that meets a message which its sink refuses', () => {
    it('tries so many times, then halts and tells where, why and after how many tries', async () => {
      const receipt = await commitNotes(one, 'good', 'bad', 'behind');
      const dispatcher = dispatcherTo();
      const tries: number[] = [];
      dispatcher.on('waiting', ({ attempts }) => tries.push(attempts));

      const { message, error, attempts, route } = await startUntil(dispatcher, 'halted');

      expect({ route, attempts, tries }).to.deep.equal({ route: 'memory', attempts: 3, tries: [1, 2] });
      expect(message).to.deep.equal({ id: receipt.messages[1]!.id, type: 'OrderNoted', stream: `order-${one}`, revision: 1n });
      expect(error).to.include({ code: 'MESSAGE_REJECTED' });
    });

    it('delivers what comes before it, and nothing behind it, whatever happens', async () => {
      await commitNotes(one, 'good', 'bad', 'behind');
      await commitNotes(sameLane, 'also behind');
      const dispatcher = dispatcherTo();
      await startUntil(dispatcher, 'halted');

      const later = await commitNotes(otherLane, 'elsewhere');
      await commitNotes(one, 'later');
      await dispatcher.delivered(later, 'memory');

      expect(sink.delivered.map(placeOf)).to.deep.equal([`order-${one}@0`, `order-${otherLane}@0`]);
    });

    it('halts at once where the sink says that trying again cannot help', async () => {
      const final: Sink = {
        deliver: async ([first]) => ({
          accepted: 0,
          failure: new MessageRejectedError(first!.id, first!.stream, first!.revision, 'no such account', { final: true }),
        }),
      };
      await commitNotes(one, 'a');

      const { attempts } = await startUntil(dispatcherTo({ sink: final }), 'halted');

      expect(attempts).to.equal(1);
    });

    it('tells the sink which try it is', async () => {
      const tries: number[] = [];
      const counting: Sink = {
        async deliver(batch, { attempt }) {
          tries.push(attempt);
          return sink.deliver(batch);
        },
      };
      await commitNotes(one, 'bad');

      await startUntil(dispatcherTo({ sink: counting }), 'halted');

      expect(tries).to.deep.equal([1, 2, 3]);
    });

    it('forgets the tries once the message was accepted', async () => {
      let refusals = 2;
      sink.refuse((message) => isBad(message) && refusals-- > 0);
      await commitNotes(one, 'bad', 'then');
      const dispatcher = dispatcherTo();
      await startUntil(dispatcher, 'delivered');
      const seen = next(dispatcher, 'halted');

      refusals = 3;
      await commitNotes(one, 'bad');

      expect((await seen).attempts).to.equal(3);
      expect(sink.delivered).to.have.length(2);
    });

    it('waits for longer after each failure, with jitter', async () => {
      await commitNotes(one, 'bad');
      const dispatcher = dispatcherTo({ retry: { attempts: 6, firstMs: 4, maxMs: 16 } }, { random: () => 0.5 });
      const waits: number[] = [];
      dispatcher.on('waiting', ({ waitMs }) => waits.push(waitMs));

      await startUntil(dispatcher, 'halted');

      expect(waits).to.deep.equal([3, 6, 12, 12, 12]);
    });
  });

  describe('that is halted', () => {
    it('stays halted in another process, and after a restart', async () => {
      await commitNotes(one, 'bad', 'behind');
      const first = dispatcherTo();
      await startUntil(first, 'halted');
      await first.stop();
      sink.heal();

      const second = dispatcherTo();
      await second.start();
      await second.delivered(await commitNotes(otherLane, 'elsewhere'), 'memory');

      const halted = (await second.lanes()).filter(({ state }) => state === 'halted');
      expect(halted).to.have.length(1);
      expect(halted[0]!.failure).to.include({
        code: 'MESSAGE_REJECTED',
        stream: `order-${one}`,
        revision: 0n,
        attempts: 3,
        nextTryAt: undefined,
      });
      expect(sink.delivered.map(placeOf)).to.deep.equal([`order-${otherLane}@0`]);
    });

    it('goes on with the refused message when it is resumed', async () => {
      const receipt = await commitNotes(one, 'bad', 'behind');
      const dispatcher = dispatcherTo();
      await startUntil(dispatcher, 'halted');
      sink.heal();
      const resumed = next(dispatcher, 'resumed');

      await dispatcher.resume('memory');

      expect(await resumed).to.deep.equal({ route: 'memory', lane: laneOf(streamHash(`order-${one}`), 2) });
      expect(await dispatcher.delivered(receipt, 'memory')).to.equal('delivered');
      expect(sink.delivered.map(placeOf)).to.deep.equal([`order-${one}@0`, `order-${one}@1`]);
    });

    it('halts again, after as many tries, when nothing was mended', async () => {
      await commitNotes(one, 'bad');
      const dispatcher = dispatcherTo();
      await startUntil(dispatcher, 'halted');
      const again = next(dispatcher, 'halted');

      await dispatcher.resume('memory');

      expect((await again).attempts).to.equal(3);
    });

    it('is resumed from a process that does not dispatch', async () => {
      const receipt = await commitNotes(one, 'bad');
      const dispatcher = dispatcherTo();
      await startUntil(dispatcher, 'halted');
      sink.heal();

      await dispatcherTo().resume('memory');

      expect(await dispatcher.delivered(receipt, 'memory')).to.equal('delivered');
    });

    it('is resumed by an order that came while nobody dispatched', async () => {
      const receipt = await commitNotes(one, 'bad');
      const first = dispatcherTo();
      await startUntil(first, 'halted');
      await first.stop();
      await first.resume('memory');
      sink.heal();

      const second = dispatcherTo();
      await second.start();

      expect(await second.delivered(receipt, 'memory')).to.equal('delivered');
    });

    it('passes the message by when it is skipped, and goes on behind it', async () => {
      const receipt = await commitNotes(one, 'good', 'bad', 'behind');
      const dispatcher = dispatcherTo();
      await startUntil(dispatcher, 'halted');
      const skipped = next(dispatcher, 'skipped');

      await dispatcher.skip('memory', receipt.messages[1]!.id, 'withdrawn by the customer');

      expect((await skipped).message).to.include({ stream: `order-${one}`, revision: 1n });
      expect((await skipped).reason).to.equal('withdrawn by the customer');
      expect(await dispatcher.delivered(receipt, 'memory')).to.equal('skipped');
      expect(sink.delivered.map(placeOf)).to.deep.equal([`order-${one}@0`, `order-${one}@2`]);
    });

    it('gives a sink that needs whole streams a placeholder with the same id and revision, which loading counts and does not apply', async () => {
      const store = new InMemorySink({ needsWholeStreams: true });
      store.refuse(isBad);
      const receipt = await commitNotes(one, 'good', 'bad', 'behind');
      const dispatcher = dispatcherTo({ sink: store });
      await startUntil(dispatcher, 'halted');

      await dispatcher.skip('memory', receipt.messages[1]!.id, 'poison');
      await dispatcher.delivered(receipt, 'memory');

      const placeholder = store.delivered[1]!;
      expect(placeholder).to.include({ type: SKIPPED_TYPE, id: receipt.messages[1]!.id, revision: 1n, stream: `order-${one}` });
      expect(JSON.parse(placeholder.payload)).to.deep.equal({ skipped: 'OrderNoted', reason: 'poison' });
      const elsewhere = new UnitOfWork({ database: new InMemoryDatabase(), catalogue: orderEvents, history: store.history });
      const { result } = await elsewhere.run(async ({ load }) => load(Order, one));
      expect({ notes: result.notes, revision: result.revision }).to.deep.equal({ notes: ['good', 'behind'], revision: 2n });
    });

    it('refuses the skip when the sink does not take the placeholder, and stays where it is', async () => {
      const store = new InMemorySink({ needsWholeStreams: true });
      store.refuse(() => true);
      const receipt = await commitNotes(one, 'bad');
      const dispatcher = dispatcherTo({ sink: store });
      await startUntil(dispatcher, 'halted');
      const refused = next(dispatcher, 'order-refused');

      await dispatcher.skip('memory', receipt.messages[0]!.id, 'poison');

      expect((await refused).note).to.include('the sink did not take the placeholder');
      expect((await dispatcher.lanes()).filter(({ state }) => state === 'halted')).to.have.length(1);
    });

    for (const order of ['resume', 'skip'] as const) {
      it(`carries out a ${order} although the answer to the settlement that ended it was lost`, async () => {
        const receipt = await commitNotes(one, 'bad', 'behind');
        const lossy = Object.assign(Object.create(database) as InMemoryDatabase, {
          lanes: {
            read: (options: ReadOptions) => database.lanes.read(options),
            readTail: (options: ReadTailOptions) => database.lanes.readTail(options),
            stopped: (lease: LaneLease) => database.lanes.stopped(lease),
            settle: async (lease: LaneLease, settlement: Settlement) => {
              await database.lanes.settle(lease, settlement);
              if (settlement.executed?.length && answers-- > 0) throw new Error('the connection is gone');
            },
          },
        });
        let answers = 1;
        const dispatcher = dispatcherTo({}, { database: lossy });
        await startUntil(dispatcher, 'halted');
        if (order === 'resume') sink.heal();
        const told = next(dispatcher, order === 'resume' ? 'resumed' : 'skipped');

        await (order === 'resume' ? dispatcher.resume('memory') : dispatcher.skip('memory', receipt.messages[0]!.id, 'poison'));

        expect(await dispatcher.delivered(receipt, 'memory', { timeoutMs: 500 })).to.equal(order === 'resume' ? 'delivered' : 'skipped');
        await told;
      });
    }

    it('carries out an order once', async () => {
      const receipt = await commitNotes(one, 'bad', 'bad');
      const dispatcher = dispatcherTo();
      await startUntil(dispatcher, 'halted');
      let skipped = 0;
      dispatcher.on('skipped', () => void skipped++);
      const refused = next(dispatcher, 'order-refused');
      const again = next(dispatcher, 'halted');

      await Promise.all(['first', 'second'].map((reason) => dispatcher.skip('memory', receipt.messages[0]!.id, reason)));

      expect((await refused).note).to.include('does not stand at this message');
      expect((await again).message).to.include({ revision: 1n });
      expect(skipped).to.equal(1);
    });
  });

  describe('asked for what makes no sense', () => {
    it('refuses to skip without a reason', async () => {
      const error = await failureOf('INVALID_OPTIONS', () => dispatcherTo().skip('memory', 'id', ' '));

      expect(error.message).to.include('A skip needs a reason');
    });

    it('refuses to skip a message at which no lane stands', async () => {
      const receipt = await commitNotes(one, 'good', 'bad', 'behind');
      const dispatcher = dispatcherTo();
      await startUntil(dispatcher, 'halted');

      const error = await failureOf('INVALID_OPTIONS', () => dispatcher.skip('memory', receipt.messages[2]!.id, 'reason'));

      expect(error.message).to.include(receipt.messages[2]!.id).and.include('only such a message can be skipped');
    });

    it('refuses to resume what is not stopped', async () => {
      await dispatcherTo().start();

      expect((await failureOf('INVALID_OPTIONS', () => dispatcherTo().resume('memory'))).message).to.include('nothing to resume');
      await failureOf('INVALID_OPTIONS', () => dispatcherTo().resume('memory', 1));
      await failureOf('INVALID_OPTIONS', () => dispatcherTo().resume('nowhere' as 'memory'));
    });
  });

  describe('whose sink is away', () => {
    it('waits, uses up no tries, and goes on when it is back', async () => {
      const receipt = await commitNotes(one, 'a', 'b');
      sink.break();
      const dispatcher = dispatcherTo();
      const outages: number[] = [];
      let halted = 0;
      dispatcher.on('halted', () => void halted++);
      const sixth = next(dispatcher, 'waiting', ({ attempts }) => outages.push(attempts) === 6);
      await dispatcher.start();
      await sixth;

      sink.heal();
      await dispatcher.delivered(receipt, 'memory');

      expect(outages.slice(0, 6)).to.deep.equal([0, 0, 0, 0, 0, 0]);
      expect(halted).to.equal(0);
      expect(sink.delivered.map(placeOf)).to.deep.equal([`order-${one}@0`, `order-${one}@1`]);
    });

    it('does not forget the tries that a message has had before', async () => {
      let deliveries = 0;
      const flaky: Sink = {
        async deliver(batch, { attempt }) {
          deliveries++;
          if (deliveries % 2 === 0) return { accepted: 0, failure: new SinkUnavailableError('it is away') };
          expect(attempt).to.equal((deliveries + 1) / 2);
          return sink.deliver(batch);
        },
      };
      await commitNotes(one, 'bad');

      const { attempts } = await startUntil(dispatcherTo({ sink: flaky }), 'halted');

      expect({ attempts, deliveries }).to.deep.equal({ attempts: 3, deliveries: 5 });
    });

    it('need not wait for the next try when it is resumed', async () => {
      const receipt = await commitNotes(one, 'a');
      sink.break();
      const dispatcher = dispatcherTo({ retry: { firstMs: 3_600_000, maxMs: 3_600_000 } });
      await startUntil(dispatcher, 'waiting');
      sink.heal();

      await dispatcher.resume('memory');

      expect(await dispatcher.delivered(receipt, 'memory')).to.equal('delivered');
    });

    it('still waits after a restart for what is left of the wait', async () => {
      const receipt = await commitNotes(one, 'a');
      sink.break();
      const patient = { retry: { firstMs: 3_600_000, maxMs: 3_600_000 } };
      const first = dispatcherTo(patient);
      await startUntil(first, 'waiting');
      await first.stop();
      sink.heal();

      const second = dispatcherTo(patient);
      await second.start();
      await second.delivered(await commitNotes(otherLane, 'elsewhere'), 'memory');

      await failureOf('WAIT_TIMEOUT', () => second.delivered(receipt, 'memory', { timeoutMs: 30 }));
    });
  });

  it('waits after trouble, also when more was committed in the meantime', async () => {
    const dispatcher = dispatcherTo(
      { retry: { firstMs: 3_600_000, maxMs: 3_600_000 } },
      {
        reached: async (moment) => {
          if (moment !== 'delivered') return;
          await commitNotes(one, 'more');
          throw new Error('crash');
        },
      },
    );
    let troubles = 0;
    dispatcher.on('trouble', () => void troubles++);
    const trouble = next(dispatcher, 'trouble');
    await dispatcher.start();
    await commitNotes(one, 'a');
    await trouble;

    await new Promise((resolve) => setTimeout(resolve, 20));

    expect(troubles).to.equal(1);
  });

  it('delivers the same batch again after a crash between delivery and settlement, and loses nothing', async () => {
    const receipt = await commitNotes(one, 'a', 'b');
    let crashes = 2;
    const dispatcher = dispatcherTo(
      {},
      {
        reached: (moment) => {
          if (moment === 'delivered' && crashes-- > 0) throw new Error('crash');
        },
      },
    );
    const trouble = next(dispatcher, 'trouble');
    await dispatcher.start();

    expect((await trouble).doing).to.equal('running a lane');
    expect(await dispatcher.delivered(receipt, 'memory')).to.equal('delivered');
    expect(sink.delivered.map(placeOf)).to.deep.equal([0, 1, 0, 1, 0, 1].map((revision) => `order-${one}@${revision}`));
  });
});
