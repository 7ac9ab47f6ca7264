import { expect } from 'chai';
import { Cases, Consumer, Dispatcher, handled, InboxHandler, isWaybillError, UnitOfWork } from '@waybill/core';
import type { CallContext, CommitOrCompensate, HandlerContext, HandlerMiddleware, Message } from '@waybill/core';
import type { PostgresTx } from '@waybill/postgres';
import { eventually } from '@waybill/testing';
import { emulated } from '../eventstoredb/emulated.js';
import type { Emulated } from '../eventstoredb/emulated.js';
import { openShop } from '../postgres/postgres-shop.js';
import type { PostgresShop } from '../postgres/postgres-shop.js';
import { Order, orderEvents, OrderPlaced } from '../shop/order.js';

// #region handlers
class Warehouse {
  @InboxHandler(OrderPlaced, { name: 'reserve-stock' })
  async onPlaced({ stream, data }: Message<OrderPlaced>, { tx }: HandlerContext<PostgresTx>): Promise<void> {
    if (data.customerId === 'c-3') throw new Error('customer c-3 has no address');
    await tx.query('insert into reservation values ($1)', [stream]);
  }
}
// #endregion

interface Cards {
  charge(order: {
    readonly key: string;
    readonly cents: number;
    readonly askFirst: boolean;
    readonly signal: AbortSignal;
  }): Promise<string>;
  refund(order: { readonly key: string }): Promise<void>;
}

// #region two-step
class Payments {
  constructor(private readonly cards: Cards) {}

  @InboxHandler(OrderPlaced, { name: 'charge-card', twoStep: true, timeoutMs: 5_000 })
  async charge({ id, stream, data }: Message<OrderPlaced>, { mayBeRepeat, signal }: CallContext): Promise<CommitOrCompensate<PostgresTx>> {
    const receipt = await this.cards.charge({ key: id, cents: data.totalCents, askFirst: mayBeRepeat, signal });
    return {
      commit: async ({ tx }) => void (await tx.query('insert into payment values ($1, $2)', [stream, receipt])),
      compensate: async () => this.cards.refund({ key: id }),
    };
  }
}
// #endregion

// #region discard
class Thanks {
  @InboxHandler(OrderPlaced, { name: 'thank-in-chat', retry: { attempts: 3, firstMs: 10 }, onFailure: 'discard' })
  async onPlaced(): Promise<void> {
    throw new Error('the chat knows no such customer');
  }
}
// #endregion

describe('the page about subscriptions', function () {
  this.timeout(30_000);
  let server: Emulated;
  let shop: PostgresShop;
  let unitOfWork: UnitOfWork<PostgresTx>;
  let dispatcher: Dispatcher<'eventstoredb'>;
  beforeEach(async () => {
    server = await emulated();
    shop = await openShop();
    await shop.pool.query('create table reservation (stream text primary key)');
    await shop.pool.query('create table payment (stream text primary key, receipt text not null)');
    const { database } = shop;
    unitOfWork = new UnitOfWork({ database, catalogue: orderEvents });
    dispatcher = new Dispatcher({ database, catalogue: orderEvents, routes: { eventstoredb: { sink: server.eventstore.sink } } });
    await dispatcher.start();
  });
  afterEach(async () => {
    await dispatcher.stop();
    await server.close();
    await shop.close();
  });
  const placedBy = (customerId: string, id: string) => unitOfWork.run(async ({ track }) => track(new Order(id)).place(customerId, 4_200));
  const reserved = async (): Promise<readonly string[]> =>
    (await shop.pool.query<{ stream: string }>('select stream from reservation order by stream')).rows.map(({ stream }) => stream);

  it('handles what is in EventStoreDB, and can be waited for, stopped and resumed', async () => {
    const { eventstore } = server;
    const { database } = shop;
    // #region follow
    const consumer = new Consumer({
      name: 'warehouse',
      receiver: eventstore.subscribe({ category: 'order' }),
      database,
      unitOfWork,
      handlers: [new Warehouse()],
      retry: { attempts: 3, firstMs: 10 },
      leaseMs: 3_000,
    });
    await consumer.start();
    // #endregion
    // #region wait
    const placed = await unitOfWork.run(async ({ track }) => track(new Order('7')).place('c-1', 4_200));
    console.log('order-7:', await handled(placed, consumer, { timeoutMs: 10_000 }));
    // #endregion
    expect(await reserved()).to.deep.equal(['order-7']);

    const refused = await placedBy('c-3', '8');
    const behind = await placedBy('c-1', '9');
    const failure: unknown = await handled(refused, consumer, { timeoutMs: 10_000 }).catch((error: unknown) => error);
    expect(isWaybillError(failure, 'SUBSCRIPTION_STOPPED') && failure.message).to.include('has no address. Mend the cause and resume it');
    const resumed = new Promise<void>((resolve) => consumer.on('resumed', () => resolve()));
    // #region skip
    const status = await consumer.status();
    if (status?.kind === 'log' && status.state === 'stopped') {
      const { message, attempts, error } = status.failure!;
      console.log(`${message!.stream}@${message!.revision}, tried ${attempts} times: ${error.replace(message!.id, '<id>')}`);
      await consumer.skip(message!.id, 'c-3 closed the account; refunded by hand');
    }
    // #endregion
    expect(status).to.deep.include({ state: 'stopped' });
    await resumed;
    expect(await handled(behind, consumer, { timeoutMs: 10_000 })).to.equal('handled');
    expect(await reserved()).to.deep.equal(['order-7', 'order-9']);

    // #region pause
    await consumer.pause(); // in any process; stored, also over restarts
    await consumer.resume();
    // #endregion
    await consumer.stop();
  });

  it('shares messages among the consumers of a group', async () => {
    const { eventstore } = server;
    const { database } = shop;
    // #region group
    const shared = eventstore.persistentSubscription({ category: 'order' }, { group: 'warehouse', create: { maxRetries: 5 } });
    const consumer = new Consumer({
      name: 'warehouse',
      receiver: shared,
      database,
      unitOfWork,
      handlers: [new Warehouse()],
      retry: { attempts: 3, firstMs: 10 },
      unknownTypes: 'ignore',
    });
    consumer.on('parked', ({ messageId, reason }) => console.log(`${messageId} is parked: ${reason}`));
    await consumer.start();
    // #endregion
    const placed = await placedBy('c-1', '7');
    expect(await handled(placed, consumer, { timeoutMs: 10_000, source: 'eventstoredb' })).to.equal('handled');
    const parked = new Promise<void>((resolve) => consumer.on('parked', () => resolve()));
    await placedBy('c-3', '8');
    await parked;
    const parkedAgain = new Promise<void>((resolve) => consumer.on('parked', () => resolve()));
    await eventually('the parked message', async () => (await shared.info()).parked === 1n || undefined);
    // #region replay
    await shared.replayParked(); // once the cause is mended
    // #endregion
    await parkedAgain;

    expect(await reserved()).to.deep.equal(['order-7']);
    await consumer.stop();
  });

  it('takes back what was called for and cannot be committed, and tells of what a person has to decide', async () => {
    const { eventstore } = server;
    const { database } = shop;
    const told: string[] = [];
    const cards: Cards = {
      charge: async ({ key }) => `charge ${key}`,
      refund: async () => void told.push('refunded'),
    };
    await shop.pool.query('drop table payment');
    // #region middleware
    const traced: HandlerMiddleware = async ({ handler, step, message, context }, next) => {
      const begun = performance.now();
      await next();
      context.logger.info({ handler, step, messageId: message.id, ms: performance.now() - begun }, 'handled');
    };
    // #endregion
    const consumer = new Consumer({
      ...{ name: 'payments', receiver: eventstore.subscribe({ category: 'order' }), database, unitOfWork },
      ...{ handlers: [new Payments(cards), new Thanks()], middleware: [traced] },
    });
    await consumer.start();

    const placed = await placedBy('c-1', '7');
    expect(await handled(placed, consumer, { timeoutMs: 10_000 })).to.equal('handled');
    expect(told).to.deep.equal(['refunded']);

    // #region cases
    const cases = new Cases({ database, by: 'ada' });
    for (const { id, kind, detail } of await cases.open()) {
      console.log(`${kind}: ${detail}`);
      await cases.close(id, 'thanked by mail');
    }
    // #endregion
    expect(await cases.open()).to.deep.equal([]);
    expect((await cases.closed()).map(({ kind, closed }) => `${kind}: ${closed!.reason}`)).to.have.members([
      'call-not-committed: its compensation was done',
      'message-discarded: thanked by mail',
    ]);
    await consumer.stop();
  });
});
