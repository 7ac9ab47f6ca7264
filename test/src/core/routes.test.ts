import { expect } from 'chai';
import { Dispatcher, UnitOfWork } from '@waybill/core';
import type { DispatcherOptions, MessageDefinition, OutboxMessage, Receipt, RouteOptions, Sink } from '@waybill/core';
import { InMemoryDatabase, InMemorySink } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { aDispatcher, aRunningDispatcher, next, stopDispatchers } from '../shop/dispatching.js';
import { failureOf } from '../shop/failure-of.js';
import { OrderDesk } from '../shop/order-desk.js';
import { ChargeCard, Order, OrderCancelled, orderEvents, OrderNoted, OrderPlaced } from '../shop/order.js';

describe('a route', () => {
  let database: InMemoryDatabase;
  let unitOfWork: UnitOfWork<InMemoryTx>;
  let sink: InMemorySink;

  beforeEach(() => {
    database = new InMemoryDatabase({ lanes: 2 });
    unitOfWork = new UnitOfWork({ database, catalogue: orderEvents });
    sink = new InMemorySink();
  });
  stopDispatchers();

  const commitNotes = async (...texts: readonly string[]): Promise<Receipt> =>
    unitOfWork.run(async ({ find, track }) => ((await find(Order, '7')) ?? track(new Order('7'))).note(...texts));
  const start = async (route: Partial<RouteOptions> = {}): Promise<Dispatcher<'memory'>> =>
    aRunningDispatcher({ database, catalogue: orderEvents, routes: { memory: { sink, ...route } } });
  const startAgain = async (from: Dispatcher<'memory'>, route: Partial<RouteOptions> = {}): Promise<Dispatcher<'memory'>> => {
    await from.stop();
    return start(route);
  };
  const make =
    (route: object, catalogue: readonly MessageDefinition[] = orderEvents) =>
    () =>
      new Dispatcher({ database, catalogue, routes: { memory: { sink, ...route } } });
  const texts = (messages: readonly OutboxMessage[]): readonly unknown[] => messages.map(({ data }) => (data as { text?: string }).text);

  describe('that is new', () => {
    it('needs no beginning while the outbox is empty', async () => {
      const dispatcher = await start();

      expect(await dispatcher.delivered(await commitNotes('a'), 'memory')).to.equal('delivered');
    });

    it('must say where it begins once there are messages', async () => {
      await commitNotes('a');

      const error = await failureOf('ROUTE_REFUSED', () => start());

      expect(error.route).to.equal('memory');
      expect(error.message).to.include('start: "beginning" (every message ever committed) or "now" (those from now on)');
      expect(sink.delivered).to.deep.equal([]);
    });

    it('begins at the beginning', async () => {
      await commitNotes('a');
      const dispatcher = await start({ start: 'beginning' });

      await dispatcher.delivered(await commitNotes('b'), 'memory');

      expect(texts(sink.delivered)).to.deep.equal(['a', 'b']);
    });

    it('begins now', async () => {
      await commitNotes('a');
      const dispatcher = await start({ start: 'now' });

      await dispatcher.delivered(await commitNotes('b'), 'memory');

      expect(texts(sink.delivered)).to.deep.equal(['b']);
    });

    it('begins at the beginning by itself where its sink needs whole streams', async () => {
      await commitNotes('a');
      sink = new InMemorySink({ needsWholeStreams: true });
      const dispatcher = await start();

      await dispatcher.delivered(await commitNotes('b'), 'memory');

      expect(texts(sink.delivered)).to.deep.equal(['a', 'b']);
    });
  });

  describe('that is known', () => {
    it('goes on where it was, whatever it says about its beginning', async () => {
      const first = await start({ start: 'now' });
      await first.delivered(await commitNotes('a'), 'memory');

      const second = await startAgain(first, { start: 'beginning' });
      await second.delivered(await commitNotes('b'), 'memory');

      expect(texts(sink.delivered)).to.deep.equal(['a', 'b']);
    });

    it('cannot change its order', async () => {
      const first = await start();

      const error = await failureOf('ROUTE_REFUSED', () => startAgain(first, { order: 'global' }));

      expect(error.message).to.include('order "stream" and cannot become "global"').and.include('give the new order a new route name');
    });

    it('may change what it selects, from where it is', async () => {
      const first = await start({ only: [OrderNoted] });
      await first.delivered(await commitNotes('a'), 'memory');

      const second = await startAgain(first, { only: [OrderPlaced, OrderNoted] });
      const receipt = await unitOfWork.run(async ({ track }) => track(Order.placed('8')));

      expect(await second.delivered(receipt, 'memory')).to.equal('delivered');
      expect(sink.delivered.map(({ type }) => type)).to.deep.equal(['OrderNoted', 'OrderPlaced']);
    });

    it('may name the same selection in another order', async () => {
      sink = new InMemorySink({ needsWholeStreams: true });
      const first = await start({ streams: ['order-', 'key-'] });

      await startAgain(first, { streams: ['key-', 'order-'] });
    });

    it('cannot change its streams where its sink needs them whole', async () => {
      sink = new InMemorySink({ needsWholeStreams: true });
      const first = await start({ streams: ['order-'] });

      const error = await failureOf('ROUTE_REFUSED', () => startAgain(first));

      expect(error.message).to.include('its `streams` changed').and.include('give the new selection a new route name');
    });
  });

  describe('that was formerly another', () => {
    const renamed = (options: Partial<DispatcherOptions<'renamed'>> = {}): Dispatcher<'renamed'> =>
      aDispatcher({ database, catalogue: orderEvents, routes: { renamed: { sink, formerly: 'memory' } }, ...options });

    it('goes on where that one was, with its orders and its stopped streams', async () => {
      const first = await start({ onFailure: 'park-stream', retry: { attempts: 1 } });
      await first.delivered(await commitNotes('a'), 'memory');
      sink.refuse(() => true);
      const parked = next(first, 'parked');
      await commitNotes('b', 'c');
      await parked;
      await first.stop();
      sink.heal();

      const second = renamed();
      await second.start();
      expect((await second.stopped('renamed')).map(({ stream, fromRevision }) => ({ stream, fromRevision }))).to.deep.equal([
        { stream: 'order-7', fromRevision: 1n },
      ]);
      await second.redrive('renamed', 'all');
      await second.delivered(await commitNotes('d'), 'renamed');

      expect(texts(sink.delivered)).to.deep.equal(['a', 'b', 'c', 'd']);
      expect((await database.routes.all()).map(({ name }) => name)).to.deep.equal(['renamed']);
    });

    it('is refused while somebody runs it under that name', async () => {
      const first = await start();
      await first.delivered(await commitNotes('a'), 'memory');

      const error = await failureOf('ROUTE_REFUSED', () => renamed().start());

      expect(error.route).to.equal('renamed');
      expect(error.message).to.include('formerly "memory", whose lanes somebody still holds');
      expect(await first.delivered(await commitNotes('b'), 'memory')).to.equal('delivered');
    });

    it('is renamed once, where two instances come with the new name at once', async () => {
      const first = await start();
      await first.delivered(await commitNotes('a'), 'memory');
      await first.stop();
      const both = [renamed({ instance: 'one' }), renamed({ instance: 'two' })];

      await Promise.all(both.map((dispatcher) => dispatcher.start()));
      await both[0]!.delivered(await commitNotes('b'), 'renamed');

      expect(texts(sink.delivered)).to.deep.equal(['a', 'b']);
    });

    it('may go on saying so for ever, also where there never was another', async () => {
      const first = renamed();
      await first.start();
      await first.delivered(await commitNotes('a'), 'renamed');
      await first.stop();

      const second = renamed();
      await second.start();
      await second.delivered(await commitNotes('b'), 'renamed');

      expect(texts(sink.delivered)).to.deep.equal(['a', 'b']);
    });

    it('is not itself', async () => {
      expect((await failureOf('ROUTE_REFUSED', make({ formerly: 'memory' }))).message).to.include('`formerly` is its own name');
    });
  });

  describe('that is retired', () => {
    /** A dispatcher that does not run the route `memory`. */
    const another = (): Dispatcher<'another'> =>
      aDispatcher({ database, catalogue: orderEvents, routes: { another: { sink: new InMemorySink(), start: 'now' } } });

    it('has no lanes any more, and is told as retired', async () => {
      const first = await start();
      await first.delivered(await commitNotes('a'), 'memory');
      await first.stop();

      await another().retireRoute('memory');
      await another().retireRoute('memory');

      expect(await first.lanes()).to.deep.equal([]);
      const { routes } = await first.snapshot();
      expect(routes.map(({ name, retired, lanes }) => ({ name, retired, lanes }))).to.deep.equal([
        { name: 'memory', retired: true, lanes: 0 },
      ]);
    });

    it('begins anew when it comes back, and must say where', async () => {
      const first = await start();
      await first.delivered(await commitNotes('a'), 'memory');
      await first.stop();
      await another().retireRoute('memory');

      await failureOf('ROUTE_REFUSED', () => start());
      const second = await start({ start: 'beginning' });
      await second.delivered(await commitNotes('b'), 'memory');

      expect(texts(sink.delivered)).to.deep.equal(['a', 'a', 'b']);
    });

    it('is none of those that somebody runs', async () => {
      const first = await start();

      const own = await failureOf('INVALID_OPTIONS', () => first.retireRoute('memory'));
      const elsewhere = await failureOf('INVALID_OPTIONS', () => another().retireRoute('memory'));

      expect(own.message).to.include("one of this dispatcher's own");
      expect(elsewhere.message).to.include('still run by').and.include('Stop it there first');
    });

    it('is none that there never was', async () => {
      await (await start()).stop();

      const error = await failureOf('INVALID_OPTIONS', () => another().retireRoute('memry'));

      expect(error.message).to.include('knows no route "memry"; it knows "memory"');
    });
  });

  it('that is added late, beside one that runs, gets the past and what comes, and holds up nobody', async () => {
    const first = await start();
    await first.delivered(await commitNotes('a', 'b'), 'memory');
    await first.stop();
    const late = new InMemorySink();

    const routes = { memory: { sink }, late: { sink: late, start: 'beginning' as const } };
    const second = await aRunningDispatcher({ database, catalogue: orderEvents, routes });
    const receipt = await commitNotes('c');
    await Promise.all([second.delivered(receipt, 'memory'), second.delivered(receipt, 'late')]);

    expect(texts(sink.delivered)).to.deep.equal(['a', 'b', 'c']);
    expect(texts(late.delivered)).to.deep.equal(['a', 'b', 'c']);
  });

  describe('with a failure policy that rules out another option', () => {
    const policies = ['halt-stream', 'park-stream', 'discard'] as const;

    for (const onFailure of policies) {
      it(`${onFailure} lets messages pass a failed one, which order "global" refuses`, async () => {
        const error = await failureOf('ROUTE_REFUSED', make({ order: 'global', onFailure }));

        expect(error.message).to.include(`onFailure "${onFailure}" lets messages pass a failed one`).and.include('use "halt"');
      });
    }

    it('discard leaves holes, which a sink of whole streams refuses; the others are fine', async () => {
      const whole = new InMemorySink({ needsWholeStreams: true });

      const error = await failureOf('ROUTE_REFUSED', make({ sink: whole, onFailure: 'discard' }));
      for (const onFailure of ['halt', 'halt-stream', 'park-stream']) make({ sink: whole, onFailure })();

      expect(error.message).to.include('"discard" would leave holes in them; use "halt", "halt-stream" or "park-stream"');
    });
  });

  describe('to a sink that needs whole streams', () => {
    const whole = new InMemorySink({ needsWholeStreams: true });

    it('refuses `only`, which would leave holes', async () => {
      const error = await failureOf('ROUTE_REFUSED', make({ sink: whole, only: [OrderPlaced] }));

      expect(error.message).to.include('`only` would leave holes in them; select by `streams` instead');
    });

    it('refuses to begin now, which would leave out the beginning of streams', async () => {
      expect((await failureOf('ROUTE_REFUSED', make({ sink: whole, start: 'now' }))).message).to.include('would leave out their beginning');
    });
  });

  describe('for commands', () => {
    const catalogue = [...orderEvents, ChargeCard];

    it('is exactly one: none is refused', async () => {
      const error = await failureOf('INVALID_OPTIONS', make({}, catalogue));

      expect(error.message).to.include('exactly one recipient').and.include('name ChargeCard in `only`').and.include('none does');
    });

    it('is exactly one: two are refused', async () => {
      const routes = { cards: { sink, only: [ChargeCard] }, audit: { sink, only: [OrderPlaced, ChargeCard] } };

      const error = await failureOf('INVALID_OPTIONS', () => new Dispatcher({ database, catalogue, routes }));

      expect(error.message).to.include('cards and audit do');
    });

    it('is the one whose sink handles them, where that does not say `only`', () => {
      const handling = Object.assign(new InMemorySink(), { handles: [ChargeCard] });

      expect(() => new Dispatcher({ database, catalogue, routes: { cards: { sink: handling }, memory: { sink } } })).not.to.throw();
    });
  });

  describe('whose sink says what it handles', () => {
    const handling = (...handles: readonly MessageDefinition[]): InMemorySink => Object.assign(sink, { handles });

    it('selects that', async () => {
      const dispatcher = await start({ sink: handling(OrderCancelled) });

      const receipt = await unitOfWork.run(async ({ track }) => track(Order.placed('8')).cancel('no'));
      await dispatcher.delivered(receipt, 'memory');

      expect(sink.delivered.map(({ type }) => type)).to.deep.equal(['OrderCancelled']);
    });

    it('selects less where it says `only`', async () => {
      const dispatcher = await start({ sink: handling(OrderCancelled, OrderPlaced), only: [OrderPlaced] });

      await dispatcher.delivered(await unitOfWork.run(async ({ track }) => track(Order.placed('8')).cancel('no')), 'memory');

      expect(sink.delivered.map(({ type }) => type)).to.deep.equal(['OrderPlaced']);
    });

    it('refuses what the catalogue does not list', async () => {
      const error = await failureOf('ROUTE_REFUSED', make({ sink: handling(ChargeCard) }));

      expect(error.message).to.include('handles ChargeCard, which is not in the catalogue');
    });

    it('refuses to have nothing to do', async () => {
      expect((await failureOf('ROUTE_REFUSED', make({ sink: handling() }))).message).to.include('its sink has no handler');
    });
  });

  describe('whose sink takes fewer messages at once than a batch has', () => {
    for (const [mostAtOnce, size, calls] of [
      [2, 500, [2, 2, 1]],
      [500, 3, [3, 2]],
      [1, 500, [1, 1, 1, 1, 1]],
    ] as const) {
      it(`is delivered ${calls.join(', ')} at a time (${mostAtOnce} at once, batches of ${size})`, async () => {
        const desk = new OrderDesk();
        const sizes: number[] = [];
        const counting: Sink = { mostAtOnce, deliver: (batch) => Promise.resolve({ accepted: sizes.push(batch.length) && batch.length }) };
        await desk.note('7', 'a', 'b', 'c', 'd', 'e');

        await desk.started({ sink: counting, batch: { size } });
        await desk.clock.pass(100);

        expect(sizes).to.deep.equal(calls);
      });
    }
  });

  describe('that cannot work', () => {
    const takes: Sink = { deliver: (batch) => Promise.resolve({ accepted: batch.length }) };
    for (const [what, route, reason] of [
      ['without a sink', { sink: undefined }, 'it has no sink'],
      ['with a sink that cannot deliver', { sink: {} }, 'it has no sink'],
      ['with a failure policy that there is not', { onFailure: 'parkStream' }, 'onFailure "parkStream" does not exist'],
      ['with an order that there is not', { order: 'none' }, 'order "none" does not exist'],
      ['with an empty `only`', { only: [] }, '`only` is empty'],
      ['with no prefix in `streams`', { streams: [] }, '`streams` holds no prefix'],
      ['with an empty prefix in `streams`', { streams: ['order-', ''] }, 'or an empty one'],
      ['with a batch of nothing', { batch: { size: 0 } }, 'batch.size must be a whole number from 1 to 10,000'],
      ['with a batch that is too large', { batch: { size: 10_001 } }, 'batch.size'],
      ['with a part of a message as a batch', { batch: { size: 1.5 } }, 'batch.size'],
      ['with no number as a batch', { batch: { size: NaN } }, 'batch.size'],
      ['with a sink that takes none at once', { sink: { ...takes, mostAtOnce: 0 } }, 'mostAtOnce: 0, which must be a whole number from 1'],
      ['with a sink that takes a part of a message', { sink: { ...takes, mostAtOnce: 1.5 } }, 'mostAtOnce: 1.5'],
      ['with a sink that takes no number at once', { sink: { ...takes, mostAtOnce: NaN } }, 'mostAtOnce: NaN'],
      ['with no tries', { retry: { attempts: 0 } }, 'retry.attempts must be a whole number from 1'],
      ['with no wait', { retry: { firstMs: 0 } }, 'retry.firstMs must be above 0'],
      ['with a longest wait below the first', { retry: { firstMs: 100, maxMs: 99 } }, 'retry.maxMs not below it'],
    ] as const) {
      it(`${what} is refused by name, before anything starts`, async () => {
        const error = await failureOf('ROUTE_REFUSED', make(route));

        expect(error.route).to.equal('memory');
        expect(error.message).to.include(reason);
      });
    }

    it('without a name is refused', async () => {
      await failureOf('ROUTE_REFUSED', () => new Dispatcher({ database, catalogue: orderEvents, routes: { '': { sink } } }));
    });

    it('is none at all: a dispatcher without routes is refused', async () => {
      await failureOf('INVALID_OPTIONS', () => new Dispatcher({ database, catalogue: orderEvents, routes: {} }));
    });
  });

  for (const [option, value] of [
    ['leaseMs', 299],
    ['leaseMs', NaN],
    ['leaseMs', Infinity],
    ['pollMs', 0],
    ['stopWithinMs', -1],
  ] as const) {
    it(`is not run by a dispatcher with a ${option} of ${value}`, async () => {
      const options: DispatcherOptions<'memory'> = { database, catalogue: orderEvents, routes: { memory: { sink } }, [option]: value };

      expect((await failureOf('INVALID_OPTIONS', () => aDispatcher({ ...options }))).message).to.include(`${option} is ${value}`);
    });
  }
});
