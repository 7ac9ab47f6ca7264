import 'reflect-metadata';
import { expect } from 'chai';
import { Dispatcher, Inbox, OutboxHandler, UnitOfWork } from '@waybill/core';
import type { CallContext, Commit, HandlerContext, Message } from '@waybill/core';
import { InMemoryDatabase, InMemorySink } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { waybillModule } from '@waybill/inversify';
import { Container, inject, injectable } from 'inversify';
import { ChargeCard, Order, OrderCancelled, orderEvents, OrderPlaced } from '../shop/order.js';
import { failureOf } from '../shop/failure-of.js';

@injectable()
class Mailer {
  readonly sent: string[] = [];
  async send(to: string): Promise<void> {
    this.sent.push(to);
  }
}

@injectable()
class OrderMails {
  constructor(@inject(Mailer) private readonly mailer: Mailer) {}

  @OutboxHandler(OrderPlaced, { name: 'order-mails', twoStep: true })
  async onPlaced({ data }: Message<OrderPlaced>, _call: CallContext): Promise<Commit<InMemoryTx>> {
    await this.mailer.send(data.customerId);
    return async ({ append }) => append(data.customerId, OrderCancelled({ reason: 'mailed' }));
  }
}

@injectable()
class Charging {
  constructor(
    @inject(UnitOfWork) private readonly unitOfWork: UnitOfWork,
    @inject(Mailer) private readonly mailer: Mailer,
  ) {}

  @OutboxHandler(ChargeCard, { name: 'charge-card' })
  async onCharge({ data }: Message<ChargeCard>, { tx }: HandlerContext<InMemoryTx>): Promise<void> {
    expect(this.unitOfWork).to.be.instanceOf(UnitOfWork);
    tx.onCommit(() => this.mailer.sent.push(`charged ${data.orderId}`));
  }
}

@injectable()
class OrderDesk {
  constructor(@inject(UnitOfWork) readonly unitOfWork: UnitOfWork) {}

  async place(id: string): Promise<string> {
    return (await this.unitOfWork.run(async ({ track }) => void track(Order.placed(id)))).token;
  }
}

describe('the container module', () => {
  const catalogue = [...orderEvents, ChargeCard];
  let container: Container;
  let sink: InMemorySink;

  beforeEach(() => {
    sink = new InMemorySink();
    container = new Container();
    container.bind(Mailer).toSelf().inSingletonScope();
    container.bind(OrderDesk).toSelf();
  });

  afterEach(async () => {
    await container.unbindAllAsync();
  });

  const load = (): void =>
    container.load(
      waybillModule({
        database: new InMemoryDatabase(),
        catalogue,
        history: sink.history,
        routes: { memory: { sink }, mails: { handlers: [OrderMails] }, cards: { handlers: [Charging] } },
      }),
    );

  it('binds unit of work, inbox, dispatcher and handlers, with their classes as tokens', () => {
    load();

    expect(container.get(UnitOfWork)).to.be.instanceOf(UnitOfWork);
    expect(container.get(Inbox)).to.be.instanceOf(Inbox);
    expect(container.get(Dispatcher)).to.be.instanceOf(Dispatcher);
    expect(container.get(OrderMails)).to.be.instanceOf(OrderMails);
  });

  it('gives one of each to everybody', () => {
    load();

    expect(container.get(OrderDesk).unitOfWork).to.equal(container.get(UnitOfWork<InMemoryTx>));
    expect(container.get(Dispatcher)).to.equal(container.get(Dispatcher<'memory' | 'mails' | 'cards'>));
    expect(container.get(OrderMails)).to.equal(container.get(OrderMails));
  });

  it('runs the handlers that the container made, behind the inbox, and appends what they return', async () => {
    load();
    const dispatcher = container.get(Dispatcher<'memory' | 'mails' | 'cards'>);
    await dispatcher.start();

    const token = await container.get(OrderDesk).place('7');
    await dispatcher.delivered(token, 'mails');

    expect(container.get(Mailer).sent).to.deep.equal(['c-1']);
    await dispatcher.delivered(token, 'memory');
    expect(sink.events('order-7')).to.have.length(1);
  });

  it('routes a command to the handler that names it, without being told in `only`', async () => {
    load();
    const dispatcher = container.get(Dispatcher<'memory' | 'mails' | 'cards'>);
    await dispatcher.start();

    const receipt = await container
      .get(UnitOfWork<InMemoryTx>)
      .run(async ({ append }) => append('7', ChargeCard({ orderId: '7', totalCents: 1 })));

    expect(await dispatcher.delivered(receipt, 'cards')).to.equal('delivered');
    expect(await dispatcher.delivered(receipt, 'mails')).to.equal('not-selected');
    expect(container.get(Mailer).sent).to.deep.equal(['charged 7']);
  });

  it('leaves a handler class alone that is bound already', () => {
    const mine = new OrderMails(container.get(Mailer));
    container.bind(OrderMails).toConstantValue(mine);
    load();

    container.get(Dispatcher);

    expect(container.get(OrderMails)).to.equal(mine);
  });

  it('resolves no handler before somebody asks for the dispatcher', () => {
    let made = 0;
    container.bind(OrderMails).toDynamicValue((context) => {
      made++;
      return new OrderMails(context.get(Mailer));
    });
    load();

    container.get(UnitOfWork);
    expect(made).to.equal(0);
    container.get(Dispatcher);
    expect(made).to.equal(1);
  });

  it('waits for handlers that are made asynchronously', async () => {
    container.bind(OrderMails).toDynamicValue(async (context) => new OrderMails(await context.getAsync(Mailer)));
    load();

    expect(await container.getAsync(Dispatcher)).to.be.instanceOf(Dispatcher);
  });

  it('names what a handler lacks', () => {
    container.unbind(Mailer);
    load();

    expect(() => container.get(Dispatcher)).to.throw(/No bindings found for service: "Mailer"/);
  });

  it('names the circle when a handler wants the dispatcher that is to run it', () => {
    @injectable()
    class Impatient {
      constructor(@inject(Dispatcher) readonly dispatcher: Dispatcher) {}

      @OutboxHandler(OrderPlaced, { name: 'impatient' })
      async onPlaced(_message: Message<OrderPlaced>): Promise<void> {}
    }
    container.load(
      waybillModule({ database: new InMemoryDatabase(), catalogue: orderEvents, routes: { impatient: { handlers: [Impatient] } } }),
    );

    expect(() => container.get(Dispatcher)).to.throw(/[Cc]ircular dependency[^]*Dispatcher[^]*Impatient/);
  });

  it('refuses a class without a decorated method when the dispatcher is made', async () => {
    container.load(waybillModule({ database: new InMemoryDatabase(), catalogue: orderEvents, routes: { mails: { handlers: [Mailer] } } }));

    const error = await failureOf('INVALID_OPTIONS', () => container.get(Dispatcher));

    expect(error.message).to.include('Mailer has no method with @OutboxHandler');
  });

  it('refuses a handler of an event that the catalogue does not list', async () => {
    container.load(
      waybillModule({ database: new InMemoryDatabase(), catalogue: [OrderCancelled], routes: { mails: { handlers: [OrderMails] } } }),
    );

    const error = await failureOf('ROUTE_REFUSED', () => container.get(Dispatcher));

    expect(error).to.have.property('route', 'mails');
    expect(error.message).to.include('OrderPlaced, which is not in the catalogue');
  });

  it('stops the dispatcher when everything is unbound', async () => {
    load();
    const dispatcher = container.get(Dispatcher);
    await dispatcher.start();
    const stopped = new Promise((resolve) => dispatcher.on('stopped', resolve));

    await container.unbindAllAsync();

    await stopped;
  });
});
