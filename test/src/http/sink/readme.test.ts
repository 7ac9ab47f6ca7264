import { expect } from 'chai';
import { defineEvent, Dispatcher, UnitOfWork } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import { HttpSink } from '@waybill/http';
import { eventually, messagesOf } from '@waybill/testing';
import { z } from 'zod';
import { PaymentServer } from '../servers/payment-server.js';
import { anEndpoint, closeEverything, deliver, eventIn, OTHER_SECRET, SECRET } from './sinks.js';

const OrderPlaced = defineEvent('OrderPlaced', z.object({ customerId: z.string() }));

describe('the samples of an HTTP sink', () => {
  closeEverything();

  it('deliver a route to an endpoint', async () => {
    const server = await anEndpoint();
    const [partnerUrl, secret] = [`${server.url}/hooks`, SECRET];
    const [database, catalogue] = [new InMemoryDatabase(), [OrderPlaced]];
    // #region send
    const partner = new HttpSink({
      source: '/shop',
      url: partnerUrl,
      secrets: secret,
      idempotent: true, // the receiver knows a message again by its id
    });
    const dispatcher = new Dispatcher({
      database,
      catalogue,
      routes: { partner: { sink: partner, only: [OrderPlaced], start: 'beginning' } },
    });
    await dispatcher.start();
    // #endregion

    await new UnitOfWork({ database, catalogue }).run(async ({ append }) => append('order-7', [OrderPlaced({ customerId: 'c-1' })]));
    const request = await eventually('a request', async () => server.requests[0]);
    await dispatcher.stop();

    expect(eventIn(request)).to.include({ type: 'OrderPlaced', source: '/shop', waybillroute: 'partner' });
  });

  it('ask a payment provider what it has done', async () => {
    const provider = await PaymentServer.start();
    const [providerUrl, fetchToken] = [provider.url, async () => ({ token: 't', validUntil: new Date(Date.now() + 60_000) })];
    provider.next({ charges: 'yes', then: 504 });
    // #region query
    const payments = new HttpSink({
      source: '/shop',
      url: providerUrl,
      policy: { preset: 'payment' }, // long limits, and never resent on its own
      credentials: async () => {
        const { token, validUntil } = await fetchToken();
        return { bearer: token, expiresAt: validUntil };
      },
      query: async (key, { signal }) => {
        const response = await fetch(`${providerUrl}/${key}`, { signal });
        const { state } = (await response.json()) as { readonly state: 'done' | 'not-done' | 'pending' };
        return { outcome: state === 'pending' ? 'unknown' : state };
      },
    });
    // #endregion

    const { accepted } = await deliver(payments, messagesOf('payment-7', 1));
    await payments.stop();
    await provider.close();

    expect([accepted, provider.charges.length]).to.deep.equal([1, 1]);
  });

  it('turn to another provider, and back', async () => {
    const [one, other] = [await anEndpoint(), await anEndpoint()];
    const [cheapUrl, dearUrl, secret] = [one.url, other.url, SECRET];
    // #region failover
    const texts = new HttpSink({
      source: '/shop',
      targetsAre: 'independent',
      failover: { failuresInARow: 5, p95Ms: 2_000, backAfterMs: 300_000 },
      targets: [
        { name: 'cheap', url: cheapUrl, request: ({ data }) => ({ path: '/v2/messages', body: data as object }) },
        { name: 'dear', url: dearUrl, secrets: [secret, OTHER_SECRET], policy: { preset: 'messaging', rate: { limit: 50, perMs: 1_000 } } },
      ],
    });
    texts.suspend('cheap', 'their status page says so');
    // #endregion

    expect(await deliver(texts, messagesOf('text-7', 1))).to.include({ accepted: 1 });
    expect([one.requests.length, other.requests.length]).to.deep.equal([0, 1]);
    texts.resume('cheap');
    await texts.stop();
  });
});
