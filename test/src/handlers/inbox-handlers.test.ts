import { expect } from 'chai';
import { HandlerSink, InboxHandler, InboxHandlers, OutboxHandler, UnitOfWork } from '@waybill/core';
import type { HandlerContext, HandlerSinkOptions, Message } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { aDeliveryContext, anArrivedMessage } from '@waybill/testing';
import { failureOf } from '../shop/failure-of.js';
import { orderEvents, OrderNoted, OrderPlaced } from '../shop/order.js';
import { decoratorMode } from './decorator-mode.js';
import { orderMessage } from './order-message.js';

const noted = { type: 'OrderNoted', json: { text: 'from elsewhere' } };

describe(`handlers of what arrives (${decoratorMode} decorators)`, () => {
  const database = new InMemoryDatabase();
  const unitOfWork = new UnitOfWork({ database, catalogue: orderEvents });
  let written: string[];
  beforeEach(() => (written = []));

  class Diary {
    constructor(private readonly owner: string) {}

    @OutboxHandler(OrderNoted, { name: 'own' })
    async onOwn({ data }: Message<OrderNoted>, { tx }: HandlerContext<InMemoryTx>): Promise<void> {
      tx.onCommit(() => written.push(`${this.owner} own ${data.text}`));
    }

    @InboxHandler(OrderNoted, { name: 'arrived' })
    async onArrived({ data }: Message<OrderNoted>, { tx }: HandlerContext<InMemoryTx>): Promise<void> {
      tx.onCommit(() => written.push(`${this.owner} arrived ${data.text}`));
    }
  }
  class Own {
    @OutboxHandler(OrderPlaced, { name: 'own' })
    async onPlaced(_message: Message<OrderPlaced>): Promise<void> {}
  }
  class Arrived {
    @InboxHandler(OrderPlaced, { name: 'own' })
    async onPlaced(_message: Message<OrderPlaced>): Promise<void> {}
  }
  const intakeOf = (...handlers: readonly object[]): InboxHandlers<InMemoryTx> =>
    new InboxHandlers<InMemoryTx>({ name: 'diary', database, unitOfWork, handlers });
  const sinkOf = (kind: 'outbox' | 'inbox', ...handlers: readonly object[]): HandlerSink<InMemoryTx> =>
    new HandlerSink<InMemoryTx>({ kind, database, unitOfWork, handlers });

  it('run where messages arrive, and those of our own messages do not', async () => {
    await intakeOf(new Diary('we')).take(anArrivedMessage('order-7', 0n, noted), { signal: new AbortController().signal });

    expect(written).to.deep.equal(['we arrived from elsewhere']);
  });

  for (const kind of ['outbox', 'inbox'] as const) {
    it(`run in a sink that is of their kind: ${kind}`, async () => {
      const sink = sinkOf(kind, new Diary('we'));

      await sink.deliver([orderMessage(OrderNoted({ text: 'hello' }))], aDeliveryContext());

      expect(written).to.deep.equal([`we ${kind === 'outbox' ? 'own' : 'arrived'} hello`]);
    });
  }

  it('may have the name of a handler of our own messages, in one class or in two', () => {
    expect(sinkOf('outbox', new Own()).handles).to.deep.equal([OrderPlaced]);
    expect(intakeOf(new Arrived())).to.be.instanceOf(InboxHandlers);
  });

  it('are refused where those of our own messages run, with a word on where they belong, and the other way round', async () => {
    const here = await failureOf('INVALID_OPTIONS', () => sinkOf('outbox', new Arrived()));
    const there = await failureOf('INVALID_OPTIONS', () => intakeOf(new Diary('we'), new Own()));

    expect(here.message).to.equal(
      'Arrived has no method with @OutboxHandler, only such with @InboxHandler, which are for what arrives from elsewhere; pass it to InboxHandlers, or to a HandlerSink with { kind: "inbox" } over an arrival log.',
    );
    expect(there.message).to.equal(
      'Own has no method with @InboxHandler, only such with @OutboxHandler, which are for messages of our own; pass it to a HandlerSink.',
    );
  });

  it('are refused when an override lost its decorator, when two have one name, and when a class is passed for its instance', async () => {
    class Lost extends Arrived {
      override async onPlaced(): Promise<void> {}
    }

    expect((await failureOf('INVALID_OPTIONS', () => intakeOf(new Lost()))).message).to.include('without @InboxHandler');
    expect((await failureOf('INVALID_OPTIONS', () => intakeOf(new Arrived(), new Arrived()))).message).to.include(
      'Two handlers are named "own"',
    );
    expect((await failureOf('INVALID_OPTIONS', () => intakeOf(Arrived))).message).to.include('pass new Arrived(...)');
  });

  it('are refused when they are of what can never arrive', async () => {
    const options = { name: 'diary', database, unitOfWork, handlers: [new Diary('we')] };

    const { message } = await failureOf('INVALID_OPTIONS', () => new InboxHandlers<InMemoryTx>({ ...options, catalogue: [OrderPlaced] }));

    expect(message).to.include('A handler is of OrderNoted, which is not in the catalogue');
    expect(new InboxHandlers<InMemoryTx>({ ...options, catalogue: orderEvents })).to.be.instanceOf(InboxHandlers);
  });

  it('are refused without a name, and without an event', async () => {
    for (const options of [undefined, {}, { name: '' }, { name: 7 }]) {
      const { message } = await failureOf('INVALID_OPTIONS', () => InboxHandler(OrderPlaced, options as { name: string }));
      expect(message).to.include('@InboxHandler(event, { name })');
    }
    await failureOf('INVALID_OPTIONS', () => InboxHandler([], { name: 'none' }));
  });

  it('are of a kind that exists', async () => {
    const options = { kind: 'letterbox', database, unitOfWork, handlers: [new Diary('we')] };

    const { message } = await failureOf(
      'INVALID_OPTIONS',
      () => new HandlerSink<InMemoryTx>(options as unknown as HandlerSinkOptions<InMemoryTx>),
    );

    expect(message).to.include('kind "letterbox" does not exist');
  });
});
