import { expect } from 'chai';
import { laneOf, streamHash, UnitOfWork } from '@waybill/core';
import type { Delivery, Dispatcher, OutboxMessage, Receipt, Sink } from '@waybill/core';
import { InMemoryDatabase, InMemorySink } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { aDispatcher, aRunningDispatcher, next, QUICKLY, stopDispatchers } from '../shop/dispatching.js';
import { failureOf } from '../shop/failure-of.js';
import { gate } from '@waybill/testing';
import { ManualClock } from '../shop/manual-clock.js';
import { ChargeCard, Order, orderEvents, OrderNoted, OrderPlaced } from '../shop/order.js';

const placeOf = ({ stream, revision }: { readonly stream: string; readonly revision: bigint }): string => `${stream}@${revision}`;

describe('a dispatcher', () => {
  let database: InMemoryDatabase;
  let unitOfWork: UnitOfWork<InMemoryTx>;
  let sink: InMemorySink;

  beforeEach(() => {
    database = new InMemoryDatabase();
    unitOfWork = new UnitOfWork({ database, catalogue: orderEvents });
    sink = new InMemorySink();
  });
  stopDispatchers();

  const commitNotes = async (id: string, ...texts: readonly string[]): Promise<Receipt> =>
    unitOfWork.run(async ({ find, track }) => ((await find(Order, id)) ?? track(new Order(id))).note(...texts));

  it('delivers what was committed before it started, and what is committed while it runs', async () => {
    const before = await commitNotes('7', 'before');
    const dispatcher = await aRunningDispatcher({ database, catalogue: orderEvents, routes: { memory: { sink, start: 'beginning' } } });
    const after = await commitNotes('7', 'after');

    expect(await dispatcher.delivered(before, 'memory')).to.equal('delivered');
    expect(await dispatcher.delivered(after, 'memory')).to.equal('delivered');

    expect(sink.delivered.map(placeOf)).to.deep.equal(['order-7@0', 'order-7@1']);
  });

  it('never delivers what was rolled back', async () => {
    const dispatcher = await aRunningDispatcher({ database, catalogue: orderEvents, routes: { memory: { sink } } });
    await unitOfWork
      .run(async ({ track }) => {
        track(Order.placed('7'));
        throw new Error('no');
      })
      .catch(() => {});

    await dispatcher.delivered(await commitNotes('8', 'after'), 'memory');

    expect(sink.delivered.map(placeOf)).to.deep.equal(['order-8@0']);
  });

  it('keeps each stream in order over many batches and lanes', async () => {
    const dispatcher = await aRunningDispatcher({ database, catalogue: orderEvents, routes: { memory: { sink, batch: { size: 3 } } } });
    let last!: Receipt;
    for (let round = 0; round < 10; round++) {
      for (let id = 0; id < 8; id++) last = await commitNotes(String(id), `${round}a`, `${round}b`);
    }

    await dispatcher.delivered(last, 'memory');
    for (let id = 0; id < 8; id++) {
      const { result } = await unitOfWork.run(async ({ load }) => load(Order, String(id)));
      await dispatcher.delivered({ ...last, messages: [{ id: '', stream: result.stream, revision: result.revision! }] }, 'memory');
    }

    expect(sink.delivered).to.have.length(160);
    for (let id = 0; id < 8; id++) {
      const revisions = sink.delivered.filter(({ stream }) => stream === `order-${id}`).map(({ revision }) => revision);
      expect(revisions).to.deep.equal(Array.from({ length: 20 }, (_, index) => BigInt(index)));
    }
  });

  it('gives each route everything, independently of the others', async () => {
    const other = new InMemorySink();
    other.break();
    const dispatcher = await aRunningDispatcher({
      database,
      catalogue: orderEvents,
      routes: { one: { sink }, other: { sink: other, retry: QUICKLY } },
    });

    const receipt = await commitNotes('7', 'a');
    await dispatcher.delivered(receipt, 'one');
    expect(other.delivered).to.deep.equal([]);

    other.heal();
    await dispatcher.delivered(receipt, 'other');
    expect(other.delivered).to.have.length(1);
  });

  it('gives a route what it selects by type and by stream', async () => {
    const [byType, byStream, both] = [new InMemorySink(), new InMemorySink(), new InMemorySink()];
    const dispatcher = await aRunningDispatcher({
      ...{ database, catalogue: orderEvents },
      routes: {
        byType: { sink: byType, only: [OrderPlaced] },
        byStream: { sink: byStream, streams: ['order-7', 'key-'] },
        both: { sink: both, only: [OrderPlaced], streams: ['order-8'] },
      },
    });

    const receipt = await unitOfWork.run(async ({ track, append }) => {
      track(Order.placed('7')).note('a');
      track(Order.placed('8'));
      append('c-1', OrderNoted({ text: 'b' }));
    });
    for (const route of ['byType', 'byStream', 'both'] as const) await dispatcher.delivered(receipt, route);

    expect(byType.delivered.map(placeOf)).to.have.members(['order-7@0', 'order-8@0']);
    expect(byStream.delivered.map(placeOf)).to.have.members(['order-7@0', 'order-7@1', 'key-c-1@0']);
    expect(both.delivered.map(placeOf)).to.deep.equal(['order-8@0']);
  });

  it('gives a command to the one route that names it, and to no other', async () => {
    const cards = new InMemorySink();
    const catalogue = [...orderEvents, ChargeCard];
    const dispatcher = await aRunningDispatcher({
      database,
      catalogue,
      routes: { everything: { sink }, cards: { sink: cards, only: [ChargeCard] } },
    });

    const receipt = await new UnitOfWork({ database, catalogue }).run(async ({ append }) => {
      append('7', [ChargeCard({ orderId: '7', totalCents: 1 }), OrderNoted({ text: 'charged' })]);
    });
    await dispatcher.delivered(receipt, 'cards');
    await dispatcher.delivered(receipt, 'everything');

    expect(cards.delivered.map(({ type }) => type)).to.deep.equal(['ChargeCard']);
    expect(sink.delivered.map(({ type }) => type)).to.deep.equal(['OrderNoted']);
  });

  it('keeps causes before effects on a route with global order', async () => {
    const dispatcher = await aRunningDispatcher({
      database,
      catalogue: orderEvents,
      routes: { audit: { sink, order: 'global', batch: { size: 2 } } },
    });
    const receipts: Receipt[] = [];
    for (let index = 0; index < 12; index++) receipts.push(await commitNotes(String((index * 7) % 5), `${index}`));

    for (const receipt of receipts) await dispatcher.delivered(receipt, 'audit');

    expect(sink.delivered.map(({ data }) => (data as { text: string }).text)).to.deep.equal(receipts.map((_, index) => String(index)));
    expect((await dispatcher.lanes()).map(({ route, lane }) => ({ route, lane }))).to.deep.equal([{ route: 'audit', lane: 0 }]);
  });

  it('hands over batches of the size that was asked for', async () => {
    const sizes: number[] = [];
    const counting: Sink = {
      deliver: async (batch) => {
        sizes.push(batch.length);
        return { accepted: batch.length };
      },
    };
    await commitNotes('7', ...Array.from({ length: 7 }, (_, index) => `${index}`));
    const dispatcher = await aRunningDispatcher({
      database,
      catalogue: orderEvents,
      routes: { counting: { sink: counting, batch: { size: 3 }, start: 'beginning' } },
    });

    const receipt = await commitNotes('7', 'last');
    await dispatcher.delivered(receipt, 'counting');

    expect(sizes.reduce((sum, size) => sum + size, 0)).to.equal(8);
    expect(Math.max(...sizes)).to.equal(3);
  });

  it('delivers one batch after the other within a lane', async () => {
    let inFlight = 0;
    let most = 0;
    const slow: Sink = {
      async deliver(batch) {
        most = Math.max(most, ++inFlight);
        await new Promise((resolve) => setImmediate(resolve));
        inFlight--;
        return { accepted: batch.length };
      },
    };
    const dispatcher = await aRunningDispatcher({ database, catalogue: orderEvents, routes: { slow: { sink: slow, batch: { size: 1 } } } });

    await dispatcher.delivered(await commitNotes('7', 'a', 'b', 'c', 'd'), 'slow');

    expect(most).to.equal(1);
  });

  it('does not lose a wake-up that comes while a lane is at work, and needs no poll for it', async () => {
    const [busy, mayGoOn] = [gate(), gate()];
    const holding: Sink = {
      async deliver(batch) {
        busy.open();
        await mayGoOn.opened;
        return sink.deliver(batch);
      },
    };
    const clock = new ManualClock(); // never moves: no poll can come to help
    const dispatcher = await aRunningDispatcher({ database, catalogue: orderEvents, clock, routes: { holding: { sink: holding } } });
    await commitNotes('7', 'first');
    await busy.opened;

    await commitNotes('7', 'second');
    const delivered = next(dispatcher, 'delivered', ({ last }) => last.revision === 1n);
    mayGoOn.open();
    await delivered;

    expect(sink.delivered.map(placeOf)).to.deep.equal(['order-7@0', 'order-7@1']);
  });

  it('does not lose a wake-up that comes after it has read ahead', async () => {
    const [busy, mayGoOn] = [gate(), gate()];
    const slow: Sink = {
      async deliver(batch) {
        busy.open();
        await mayGoOn.opened;
        return sink.deliver(batch);
      },
    };
    await commitNotes('7', 'a', 'b');
    const routes = { memory: { sink: slow, start: 'beginning', batch: { size: 1 } } } as const;
    const dispatcher = await aRunningDispatcher({ database, catalogue: orderEvents, routes, pollMs: 5 });
    await busy.opened;

    const late = await commitNotes('7', 'c');
    await new Promise((resolve) => setTimeout(resolve, 100)); // polls see it too, and see nothing new afterwards
    mayGoOn.open();

    expect(await dispatcher.delivered(late, 'memory', { timeoutMs: 500 })).to.equal('delivered');
  });

  it('finds by polling what no wake-up announced', async () => {
    const clock = new ManualClock();
    const dispatcher = await aRunningDispatcher({ database, catalogue: orderEvents, clock, pollMs: 1_000, routes: { memory: { sink } } });
    await clock.pass(10_000);
    await database.transactions.run(async (tx) => unitOfWork.join(tx, async ({ track }) => track(Order.placed('7')))); // and nobody calls committed()
    expect(sink.delivered).to.deep.equal([]);

    const delivered = next(dispatcher, 'delivered');
    await clock.pass(1_000);

    expect((await delivered).last).to.include({ stream: 'order-7', revision: 0n });
  });

  it('polls quickly after something happened that nobody told, and slowly while nothing does', async () => {
    let looks = 0;
    const { pulse } = database.wakeUps;
    database.wakeUps.pulse = () => (looks++, pulse.call(database.wakeUps));
    const clock = new ManualClock();
    await aRunningDispatcher({ database, catalogue: orderEvents, clock, pollMs: 1_000, routes: { memory: { sink } } });
    await clock.pass(5_000);

    looks = 0;
    await clock.pass(10_000);
    expect(looks).to.equal(10);

    await database.transactions.run(async (tx) => unitOfWork.join(tx, async ({ track }) => track(Order.placed('7'))));
    looks = 0;
    await clock.pass(2_000);
    expect(looks).to.be.above(4);
  });

  it('tells what it delivered, with the last message and its age', async () => {
    const clock = new ManualClock();
    database = new InMemoryDatabase({ clock });
    unitOfWork = new UnitOfWork({ database, catalogue: orderEvents, clock });
    await commitNotes('7', 'a', 'b');
    await clock.pass(250);
    const dispatcher = aDispatcher({ database, catalogue: orderEvents, clock, routes: { memory: { sink, start: 'beginning' } } });
    const delivered = next(dispatcher, 'delivered');

    await dispatcher.start();

    const lane = laneOf(streamHash('order-7'), 16);
    const { last, ...event } = await delivered;
    expect(event).to.deep.equal({ route: 'memory', lane, count: 2, durationMs: 0, sinceCommitMs: 250 });
    expect(last).to.deep.include({ type: 'OrderNoted', stream: 'order-7', revision: 1n });
    await Promise.all([dispatcher.stop(), clock.pass(5_000)]);
  });

  it('shows what waits in each lane, since when, and who runs it', async () => {
    sink.break();
    const dispatcher = aDispatcher({
      database,
      catalogue: orderEvents,
      instance: 'host-1',
      routes: { memory: { sink, retry: { firstMs: 60_000, maxMs: 60_000 } } },
    });
    const waiting = next(dispatcher, 'waiting');
    await dispatcher.start();
    await commitNotes('7', 'a', 'b');
    const { lane } = await waiting;

    const lanes = await dispatcher.lanes();

    expect(lanes).to.have.length(16);
    const status = lanes.find((candidate) => candidate.lane === lane)!;
    expect(status).to.include({ route: 'memory', state: 'waiting', owner: 'host-1', pending: 2 });
    expect(status.failure).to.include({ code: 'SINK_UNAVAILABLE', stream: 'order-7', revision: 0n, attempts: 0 });
    expect(status.failure!.nextTryAt).to.be.instanceOf(Date);
    expect(status.oldestAt).to.be.instanceOf(Date);
    expect(lanes.filter((candidate) => candidate.state === 'running')).to.have.length(15);
  });

  it('goes on when a listener throws, and calls the others', async () => {
    const dispatcher = await aRunningDispatcher({ database, catalogue: orderEvents, routes: { memory: { sink } } });
    let told = 0;
    dispatcher.on('delivered', () => {
      throw new Error('listener');
    });
    dispatcher.on('delivered', () => void told++);

    await dispatcher.delivered(await commitNotes('7', 'a'), 'memory');
    await dispatcher.delivered(await commitNotes('7', 'b'), 'memory');

    expect(told).to.equal(2);
  });

  it('tells a listener nothing more once it was taken off', async () => {
    const dispatcher = await aRunningDispatcher({ database, catalogue: orderEvents, routes: { memory: { sink } } });
    let told = 0;
    const off = dispatcher.on('delivered', () => void told++);
    await dispatcher.delivered(await commitNotes('7', 'a'), 'memory');

    off();
    await dispatcher.delivered(await commitNotes('7', 'b'), 'memory');

    expect(told).to.equal(1);
  });

  describe('asked whether a receipt is delivered', () => {
    const notStarted = (): Dispatcher<'memory' | 'placed'> =>
      aDispatcher({
        database,
        catalogue: orderEvents,
        routes: { memory: { sink }, placed: { sink: new InMemorySink(), only: [OrderPlaced] } },
      });

    it('answers in a process that does not dispatch, from the token alone', async () => {
      const { token } = await commitNotes('7', 'a');
      const elsewhere = notStarted();
      const waiting = elsewhere.delivered(token, 'memory');

      await aRunningDispatcher({ database, catalogue: orderEvents, routes: { memory: { sink, start: 'beginning' } } });

      expect(await waiting).to.equal('delivered');
    });

    it('says so when the route takes none of the messages', async () => {
      await notStarted().start();
      const receipt = await commitNotes('7', 'a');

      expect(await notStarted().delivered(receipt, 'placed')).to.equal('not-selected');
    });

    it('says so when nothing was committed', async () => {
      const receipt = await unitOfWork.run(async () => 'nothing');

      expect(await notStarted().delivered(receipt, 'memory')).to.equal('not-selected');
    });

    it('gives up after the time it was given, and says that nothing was cancelled', async () => {
      const receipt = await commitNotes('7', 'a');

      const error = await failureOf('WAIT_TIMEOUT', () => notStarted().delivered(receipt, 'memory', { timeoutMs: 20 }));

      expect(error.message)
        .to.include('Delivery of 1 messages to route "memory" did not happen within 20 ms')
        .and.include('dispatcher.lanes()');
    });

    it('gives up when it is aborted', async () => {
      const abort = new AbortController();
      const waiting = notStarted().delivered(await commitNotes('7', 'a'), 'memory', { signal: abort.signal });

      abort.abort();

      expect(await waiting.catch((error: unknown) => error)).to.have.property('name', 'AbortError');
    });

    it('waits for all messages of a receipt', async () => {
      const refusing = new InMemorySink();
      refusing.refuse(({ stream }) => stream === 'order-8');
      const dispatcher = aDispatcher({
        database,
        catalogue: orderEvents,
        routes: { memory: { sink: refusing, retry: { ...QUICKLY, attempts: 1 } } },
      });
      const halted = next(dispatcher, 'halted');
      await dispatcher.start();
      const receipt = await unitOfWork.run(async ({ track }) => {
        track(Order.placed('7'));
        track(Order.placed('8'));
      });
      await halted;

      await failureOf('WAIT_TIMEOUT', () => dispatcher.delivered(receipt, 'memory', { timeoutMs: 20 }));
    });

    it('waits for a commit that is announced by a token but not done yet', async () => {
      const dispatcher = await aRunningDispatcher({ database, catalogue: orderEvents, routes: { memory: { sink } } });
      const [joined, mayCommit] = [gate(), gate()];
      let token = '';
      const committing = database.transactions.run(async (tx) => {
        ({ token } = await unitOfWork.join(tx, async ({ track }) => track(Order.placed('7'))));
        joined.open();
        await mayCommit.opened;
      });
      await joined.opened;
      const waiting = dispatcher.delivered(token, 'memory');

      mayCommit.open();
      await committing;

      expect(await waiting).to.equal('delivered');
    });

    it('refuses a route that there is not, and a text that is no token', async () => {
      const receipt = await commitNotes('7', 'a');

      const error = await failureOf('INVALID_OPTIONS', () => notStarted().delivered(receipt, 'memroy' as 'memory'));
      expect(error.message).to.include('no route "memroy" here; there are "memory", "placed"');
      for (const text of ['', 'nonsense', 'MQ==', Buffer.from('[["a"]]').toString('base64url')]) {
        await failureOf('INVALID_OPTIONS', () => notStarted().delivered(text, 'memory'));
      }
    });
  });

  describe('with a sink that misbehaves', () => {
    const acceptsAfter = (nonsense: (batch: readonly OutboxMessage[]) => Promise<Delivery>): Sink => {
      let first = true;
      return {
        deliver(batch) {
          if (!first) return sink.deliver(batch);
          first = false;
          return nonsense(batch);
        },
      };
    };

    for (const [what, nonsense] of [
      ['throws', () => Promise.reject(new Error('socket hang up'))],
      [
        'throws at once',
        () => {
          throw new Error('socket hang up');
        },
      ],
      ['answers nothing', () => Promise.resolve(undefined as never)],
      ['accepts fewer messages and does not say why', () => Promise.resolve({ accepted: 0 })],
      ['accepts more messages than there are', (batch: readonly OutboxMessage[]) => Promise.resolve({ accepted: batch.length + 1 })],
      ['accepts a negative number of messages', () => Promise.resolve({ accepted: -1, failure: new Error('x') as never })],
      ['accepts half a message', () => Promise.resolve({ accepted: 0.5, failure: new Error('x') as never })],
      [
        'accepts everything and fails all the same',
        (batch: readonly OutboxMessage[]) => Promise.resolve({ accepted: batch.length, failure: new Error('x') as never }),
      ],
      ['fails with something that is no error of ours', () => Promise.resolve({ accepted: 0, failure: 'no' as never })],
    ] as const) {
      it(`that ${what}, takes it for the sink's trouble, and delivers again`, async () => {
        const dispatcher = aDispatcher({
          database,
          catalogue: orderEvents,
          routes: { memory: { sink: acceptsAfter(nonsense), retry: QUICKLY } },
        });
        const waiting = next(dispatcher, 'waiting');
        await dispatcher.start();

        const receipt = await commitNotes('7', 'a', 'b');

        const { error, attempts } = await waiting;
        expect(error).to.have.property('code', 'SINK_UNAVAILABLE');
        expect(attempts).to.equal(0);
        expect(await dispatcher.delivered(receipt, 'memory')).to.equal('delivered');
        expect(sink.delivered.map(placeOf)).to.deep.equal(['order-7@0', 'order-7@1']);
      });
    }
  });
});
