import { AsyncLocalStorage } from 'node:async_hooks';
import { expect } from 'chai';
import { HandlerSink, InboxHandler, InboxHandlers, OutboxHandler, UnitOfWork } from '@waybill/core';
import type { CallContext, Commit, CommitOrCompensate, Delivery, HandlerMiddleware, Message, OutboxMessage } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { aDeliveryContext, anArrivedMessage } from '@waybill/testing';
import { orderEvents, OrderCancelled, OrderNoted, OrderPlaced } from '../shop/order.js';
import { decoratorMode } from './decorator-mode.js';
import { orderMessage } from './order-message.js';

describe(`middleware around handlers (${decoratorMode} decorators)`, () => {
  const tenants = new AsyncLocalStorage<string>();
  let database: InMemoryDatabase;
  let unitOfWork: UnitOfWork<InMemoryTx>;
  let told: string[];
  let failures: Error[];

  beforeEach(() => {
    database = new InMemoryDatabase();
    unitOfWork = new UnitOfWork({ database, catalogue: orderEvents });
    told = [];
    failures = [];
  });
  const failNow = (): void => {
    const failure = failures.shift();
    if (failure) throw failure;
  };

  class Handlers {
    @OutboxHandler(OrderNoted, { name: 'noting', retry: { attempts: 2, firstMs: 1, maxMs: 1 } })
    async onNoted({ data }: Message<OrderNoted>): Promise<void> {
      told.push(`noted ${data.text} for ${tenants.getStore() ?? 'nobody'}`);
      failNow();
    }

    @OutboxHandler(OrderPlaced, { name: 'charging', twoStep: true })
    async onPlaced(_message: Message<OrderPlaced>, _context: CallContext): Promise<Commit<InMemoryTx>> {
      told.push('called');
      return async () => void told.push(`committed for ${tenants.getStore() ?? 'nobody'}`);
    }

    @OutboxHandler(OrderCancelled, { name: 'refunding', twoStep: true, retry: { attempts: 1 } })
    async onCancelled(_message: Message<OrderCancelled>, _context: CallContext): Promise<CommitOrCompensate<InMemoryTx>> {
      return { commit: () => Promise.reject(new Error('no such column')), compensate: async () => void told.push('compensated') };
    }

    @InboxHandler(OrderNoted, { name: 'arriving' })
    async onArrived(_message: Message<OrderNoted>): Promise<void> {
      told.push('arrived');
    }
  }
  const around =
    (name: string): HandlerMiddleware =>
    async ({ handler, step, message, context }, next) => {
      told.push(`${name}: ${handler} ${step} ${message.type} ${context.attempt}`);
      await next();
      told.push(`${name} ends`);
    };
  const deliver = (message: OutboxMessage, ...middleware: readonly HandlerMiddleware[]): Promise<Delivery> =>
    new HandlerSink<InMemoryTx>({ database, unitOfWork, handlers: [new Handlers()], middleware }).deliver([message], aDeliveryContext());
  const noted = orderMessage(OrderNoted({ text: 'hello' }));

  it('stands around each call, the first outermost', async () => {
    await deliver(noted, around('outer'), around('inner'));

    expect(told).to.deep.equal([
      ...['outer: noting handle OrderNoted 1', 'inner: noting handle OrderNoted 1', 'noted hello for nobody'],
      ...['inner ends', 'outer ends'],
    ]);
  });

  it('lends the handler what belongs to its tenant, in both steps', async () => {
    const withTenant: HandlerMiddleware = (_call, next) => tenants.run('acme', next);

    await deliver(noted, withTenant);
    await deliver(orderMessage(OrderPlaced({ customerId: 'c-1', totalCents: 1 })), withTenant);

    expect(told).to.deep.equal(['noted hello for acme', 'called', 'committed for acme']);
  });

  it('sees the call, the commit and the compensation of a two-step handler each', async () => {
    await deliver(orderMessage(OrderPlaced({ customerId: 'c-1', totalCents: 1 })), around('m'));
    await deliver(orderMessage(OrderCancelled({ reason: 'late' })), around('m'));

    expect(told.filter((line) => line.startsWith('m: '))).to.deep.equal([
      ...['m: charging call OrderPlaced 1', 'm: charging commit OrderPlaced 1'],
      ...['m: refunding call OrderCancelled 1', 'm: refunding commit OrderCancelled 1', 'm: refunding compensate OrderCancelled 1'],
    ]);
  });

  it('sees every try, and its failure', async () => {
    failures = [new Error('once')];
    const watching: HandlerMiddleware = async ({ context }, next) => {
      await next().catch((error: unknown) => {
        told.push(`try ${context.attempt}: ${(error as Error).message}`);
        throw error;
      });
    };

    expect((await deliver(noted, watching)).accepted).to.equal(1);

    expect(told).to.deep.equal(['noted hello for nobody', 'try 1: once', 'noted hello for nobody']);
  });

  it('fails the handler by failing itself, and rolls back with it', async () => {
    const refusing: HandlerMiddleware = () => Promise.reject(new Error('unknown tenant'));

    const { failure } = await deliver(noted, refusing);

    expect(failure!.message).to.include('handler "noting" failed: unknown tenant');
    expect(await database.inbox.claimed('noting', noted.id)).to.equal(false);
  });

  it('leaves the handler out where it does not go on, and the message counts as handled', async () => {
    expect((await deliver(noted, async () => {})).accepted).to.equal(1);

    expect(told).to.deep.equal([]);
    expect(await database.inbox.claimed('noting', noted.id)).to.equal(true);
  });

  it('is refused when it goes on twice: the handler would run twice', async () => {
    const twice: HandlerMiddleware = async (_call, next) => {
      await next();
      await next();
    };

    const { failure } = await deliver(noted, twice);

    expect(failure!.message).to.include('A middleware called next() twice around handler "noting" (handle)');
  });

  it('stands around handlers of what arrives, too', async () => {
    const options = { name: 'diary', database, unitOfWork, handlers: [new Handlers()], middleware: [around('m')] };
    const arrived = anArrivedMessage('order-7', 0n, { type: 'OrderNoted', json: { text: 'from elsewhere' } });

    await new InboxHandlers<InMemoryTx>(options).take(arrived, { signal: new AbortController().signal });

    expect(told).to.deep.equal(['m: arriving handle OrderNoted 1', 'arrived', 'm ends']);
  });
});
