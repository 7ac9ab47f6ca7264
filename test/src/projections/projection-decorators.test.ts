import { expect } from 'chai';
import { Projection, ProjectionHandler, projectorOf, UnitOfWork } from '@waybill/core';
import type { EventOf, Message, ProjectionContext } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { failureOf } from '../shop/failure-of.js';
import { decoratorMode } from '../handlers/decorator-mode.js';
import { Order, OrderCancelled, orderEvents, OrderNoted, OrderPlaced } from '../shop/order.js';

describe(`projection classes (${decoratorMode} decorators)`, () => {
  let written: string[];

  beforeEach(() => {
    written = [];
  });

  const write = (entry: string, tx: InMemoryTx): void => tx.onCommit(() => written.push(entry));

  @Projection({ name: 'order-list' })
  class OrderList {
    constructor(private readonly mark = '') {}

    @ProjectionHandler(OrderPlaced)
    async onPlaced(
      { stream, revision, data }: Message<OrderPlaced>,
      { tx, generation, rebuilding }: ProjectionContext<InMemoryTx>,
    ): Promise<void> {
      write(`${this.mark}${stream}@${revision} ${data.totalCents} #${generation} ${rebuilding}`, tx);
    }

    @ProjectionHandler([OrderNoted, OrderCancelled])
    async onChanged(message: Message<OrderNoted | OrderCancelled>, { tx }: ProjectionContext<InMemoryTx>): Promise<void> {
      write(`${this.mark}${message.type}`, tx);
    }
  }

  const projectedBy = async (...targets: readonly OrderList[]): Promise<void> => {
    const unitOfWork = new UnitOfWork({ database: new InMemoryDatabase(), catalogue: orderEvents, projectors: targets.map(projectorOf) });
    await unitOfWork.run(async ({ track }) => {
      const order = track(Order.placed('7'));
      order.note('soon');
      order.cancel('no stock');
    });
  };

  it('are written inline, in the transaction, as generation 1', async () => {
    await projectedBy(new OrderList());

    expect(written).to.deep.equal(['order-7@0 4200 #1 false', 'OrderNoted', 'OrderCancelled']);
  });

  it('keep the name when a subclass inherits it, and run what it overrides with a decorator', async () => {
    class Louder extends OrderList {
      @ProjectionHandler([OrderNoted])
      override async onChanged({ type }: Message<EventOf<typeof OrderNoted>>, { tx }: ProjectionContext<InMemoryTx>): Promise<void> {
        write(type.toUpperCase(), tx);
      }
    }

    await projectedBy(new Louder('> '));

    expect(projectorOf(new Louder()).name).to.equal('order-list');
    expect(written).to.deep.equal(['> order-7@0 4200 #1 false', 'ORDERNOTED']);
  });

  it('say which events they want, each once', () => {
    expect(projectorOf(new OrderList()).events.map(({ type }) => type)).to.deep.equal(['OrderPlaced', 'OrderNoted', 'OrderCancelled']);
  });

  it('are refused without a name', async () => {
    class Nameless {
      @ProjectionHandler(OrderPlaced)
      async onPlaced(): Promise<void> {}
    }

    const refused = await failureOf('INVALID_OPTIONS', () => projectorOf(new Nameless()));
    const emptied = await failureOf('INVALID_OPTIONS', () => Projection({ name: '' }));
    const tooLong = await failureOf('INVALID_OPTIONS', () => Projection({ name: 'x'.repeat(181) }));

    expect(refused.message).to.equal('Nameless has no name to store its place under. Put @Projection({ name }) above the class.');
    expect(emptied.message).to.include('A projection needs a name');
    expect(tooLong.message).to.include('more than 180 bytes');
  });

  it('are refused without a handler, or with one of nothing', async () => {
    @Projection({ name: 'idle' })
    class Idle {}

    const refused = await failureOf('INVALID_OPTIONS', () => projectorOf(new Idle()));
    const empty = await failureOf('INVALID_OPTIONS', () => ProjectionHandler([]));

    expect(refused.message).to.include('Idle has no method with @ProjectionHandler');
    expect(empty.message).to.include('names no event');
  });

  it('are refused when the class is passed, and not an instance', async () => {
    const refused = await failureOf('INVALID_OPTIONS', () => projectorOf(OrderList));

    expect(refused.message).to.include('is a class, and projections are instances: pass projectorOf(new ');
  });

  it('are refused when an override lost its decorator', async () => {
    class Quiet extends OrderList {
      override async onPlaced(): Promise<void> {}
    }

    const refused = await failureOf('INVALID_OPTIONS', () => projectorOf(new Quiet()));

    expect(refused.message).to.include('Quiet.onPlaced() overrides the handler of OrderPlaced without @ProjectionHandler');
  });

  it('are refused when what should be a method of theirs about their tables is none', async () => {
    class Odd extends OrderList {
      readonly prepare = 'create table';
    }

    const refused = await failureOf('INVALID_OPTIONS', () => projectorOf(new Odd()));

    expect(refused.message).to.include('Odd.prepare is no method');
  });
});
