import { expect } from 'chai';
import { defineEvent, UnitOfWork } from '@waybill/core';
import type { Dispatcher, OutboxMessage, RouteOptions } from '@waybill/core';
import { InMemoryDatabase, InMemorySink } from '@waybill/core/in-memory';
import { HttpSink } from '@waybill/http';
import type { HttpSinkOptions } from '@waybill/http';
import { eventually } from '@waybill/testing';
import { z } from 'zod';
import { aRunningDispatcher, next, QUICKLY, stopDispatchers } from '../../shop/dispatching.js';
import { answering } from '../servers/answers.js';
import type { Answer, HostileServer } from '../servers/hostile-server.js';
import { resetting } from '../servers/broken-answers.js';
import { anEndpoint, closeEverything, eventIn, ONE_TRY, SECRET } from './sinks.js';

// #region events
const PaymentRequested = defineEvent('PaymentRequested', z.object({ orderId: z.string(), cents: z.number() }));
const PaymentTaken = defineEvent('PaymentTaken', z.object({ orderId: z.string(), receipt: z.string() }));
const PaymentDeclined = defineEvent('PaymentDeclined', z.object({ orderId: z.string(), reason: z.string() }));
// #endregion

const catalogue = [PaymentRequested, PaymentTaken, PaymentDeclined];

describe('a shop whose payments are made over HTTP', () => {
  stopDispatchers();
  closeEverything();

  interface Shop {
    readonly database: InMemoryDatabase;
    readonly kept: InMemorySink;
    readonly dispatcher: Dispatcher;
    readonly provider: HostileServer;
    request(orderId: string, cents: number): Promise<unknown>;
  }
  const open = async (answer: Answer, options: Partial<HttpSinkOptions> = {}, route: Partial<RouteOptions> = {}): Promise<Shop> => {
    const provider = await anEndpoint(answer);
    const database = new InMemoryDatabase();
    const unitOfWork = new UnitOfWork({ database, catalogue });
    const kept = new InMemorySink();
    const providerUrl = provider.url;
    // #region replies
    const payments = new HttpSink({
      source: '/shop',
      url: `${providerUrl}/payments`,
      secrets: SECRET,
      request: (message) => ({ body: message.data as object }),
      classify: ({ status }) => (status === 402 ? 'accepted' : undefined), // declined: that is an answer, and no failure
      reply: ({ status, body }, message) => {
        const { orderId } = message.data as { readonly orderId: string };
        const { detail } = JSON.parse(body) as { readonly detail: string };
        const taken = status !== 402;
        return {
          orderingKey: orderId,
          message: taken ? PaymentTaken({ orderId, receipt: detail }) : PaymentDeclined({ orderId, reason: detail }),
        };
      },
      ...options,
    });
    // #endregion
    const dispatcher = await aRunningDispatcher({
      ...{ database, catalogue },
      routes: {
        payments: { sink: payments, only: [PaymentRequested], start: 'beginning', retry: { attempts: 2, ...QUICKLY }, ...route },
        memory: { sink: kept, start: 'beginning' },
      },
    });
    const request = (orderId: string, cents: number): Promise<unknown> =>
      unitOfWork.run(async ({ append }) => append(`order-${orderId}`, [PaymentRequested({ orderId, cents })]));
    return { database, kept, dispatcher: dispatcher as unknown as Dispatcher, provider, request };
  };
  const keptOf = ({ kept }: Shop, type: string): readonly OutboxMessage[] => kept.delivered.filter((message) => message.type === type);
  const eventuallyKept = (shop: Shop, type: string, count: number): Promise<readonly OutboxMessage[]> =>
    eventually(`${count} of ${type}`, async () => (keptOf(shop, type).length >= count ? keptOf(shop, type) : undefined));

  it('goes on with what the provider answered: taken, or declined', async () => {
    const shop = await open(({ body }, response, nth) => {
      const { cents } = JSON.parse(body.toString()) as { readonly cents: number };
      answering(cents > 100 ? 402 : 201, { detail: cents > 100 ? 'no cover' : `r-${cents}` })({} as never, response, nth);
    });

    await shop.request('1', 50);
    await shop.request('2', 500);

    const [taken] = await eventuallyKept(shop, 'PaymentTaken', 1);
    const [declined] = await eventuallyKept(shop, 'PaymentDeclined', 1);
    expect([taken!.data, declined!.data]).to.deep.equal([
      ...[
        { orderId: '1', receipt: 'r-50' },
        { orderId: '2', reason: 'no cover' },
      ],
    ]);
    const asked = keptOf(shop, 'PaymentRequested').find(({ stream }) => stream.endsWith('order-2'))!;
    expect(declined!.metadata).to.include({ causationId: asked.id, correlationId: asked.metadata.correlationId });
    expect(shop.provider.requests).to.have.lengthOf(2);
  });

  it('has one reply for a payment that was asked for twice', async () => {
    const shop = await open(
      (request, response, nth) => (nth === 0 ? resetting : answering(201, { detail: 'r-1' }))(request, response, nth),
      { idempotent: true, policy: ONE_TRY },
    );

    await shop.request('1', 50);

    await eventuallyKept(shop, 'PaymentTaken', 1);
    await shop.request('2', 50);
    await eventuallyKept(shop, 'PaymentTaken', 2);
    expect(keptOf(shop, 'PaymentTaken').map(({ data }) => (data as { readonly orderId: string }).orderId)).to.have.members(['1', '2']);
    expect(shop.provider.requests).to.have.lengthOf(3);
  });

  it('stops at a payment whose outcome nobody knows, and sends it again when a person says so', async () => {
    const shop = await open(
      (request, response, nth) => (nth === 0 ? resetting : answering(201, { detail: 'r-1' }))(request, response, nth),
      {
        policy: ONE_TRY,
      },
    );
    const halted = next(shop.dispatcher, 'halted');

    await shop.request('1', 50);
    const { lane } = await halted;
    expect(shop.provider.requests).to.have.lengthOf(1);

    await shop.dispatcher.resume('payments', lane);
    await eventuallyKept(shop, 'PaymentTaken', 1);
    expect(shop.provider.requests).to.have.lengthOf(2);
  });

  it('stops with the reason where an answer could not be made a message, and asks for no payment again', async () => {
    const reply = (): never => expect.fail('there is no receipt');
    const shop = await open(answering(201, { detail: 'r-1' }), { policy: ONE_TRY, reply });
    const halted = next(shop.dispatcher, 'halted');

    await shop.request('1', 50);
    const { lane } = await halted;

    const { failure } = (await shop.dispatcher.lanes()).find((status) => status.route === 'payments' && status.lane === lane)!;
    expect(failure).to.include({ code: 'OUTCOME_UNKNOWN' });
    expect(failure!.error).to.match(/it has, but what it answered could not be made a message: there is no receipt\. Look there: skip/);
    expect(shop.provider.requests).to.have.lengthOf(1);
  });

  it('tells its receiver of each message which one of the stream it sent before', async () => {
    const shop = await open(
      answering(),
      { request: undefined, classify: undefined, reply: undefined, idempotent: true },
      { only: undefined, streams: ['key-order-'] },
    );

    for (let nth = 0; nth < 3; nth++) await shop.request('7', nth);
    await eventually('three requests', async () => (shop.provider.requests.length === 3 ? true : undefined));

    const told = shop.provider.requests.map(eventIn).map(({ sequence, waybillprevious }) => [sequence, waybillprevious]);
    expect(told).to.deep.equal([
      ...[
        ['0', 'none'],
        ['1', '0'],
        ['2', '1'],
      ],
    ]);
  });
});
