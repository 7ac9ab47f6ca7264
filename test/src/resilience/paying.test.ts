import { expect } from 'chai';
import { HandlerSink, OutboxHandler, UnitOfWork } from '@waybill/core';
import type { CallContext, Commit, Message } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { Policy } from '@waybill/resilience';
import type { HttpAnswer, QueryAnswer } from '@waybill/resilience';
import { PaymentServer } from '../http/servers/payment-server.js';
import type { Payment } from '../http/servers/payment-server.js';
import { aDispatcher, QUICKLY, stopDispatchers } from '../shop/dispatching.js';
import { Order, orderEvents, OrderNoted, OrderPlaced } from '../shop/order.js';

describe('a two-step handler that pays under a policy', () => {
  let server: PaymentServer;
  let policies: readonly Policy[];

  beforeEach(async () => (server = await PaymentServer.start()));
  afterEach(async () => {
    await Promise.all(policies.map((policy) => policy.close()));
    await server.close();
  });
  stopDispatchers();

  const aBank = (bankUrl: string): { readonly policies: readonly Policy[]; readonly handler: object } => {
    // #region policy
    const bank = new Policy({ name: 'bank', preset: 'payment', onUnknownOutcome: 'query', limits: { firstByteMs: 300 } });

    class Billing {
      @OutboxHandler(OrderPlaced, { name: 'charge-card', twoStep: true })
      async charge({ id, stream, data }: Message<OrderPlaced>, { signal, mayBeRepeat }: CallContext): Promise<Commit<InMemoryTx>> {
        await bank.request({
          url: bankUrl,
          headers: { 'idempotency-key': id, 'content-type': 'application/json' },
          body: JSON.stringify({ cents: data.totalCents }),
          key: id,
          query: wasCharged,
          signal,
          mayBeRepeat,
        });
        return async ({ append }) => append(`charged-${stream}`, OrderNoted({ text: id }));
      }
    }
    // #endregion

    // #region query
    const status = new Policy({ name: 'bank status', preset: 'critical', idempotent: true }); // to ask twice does no harm

    async function wasCharged(key: string, { signal }: { readonly signal: AbortSignal }): Promise<QueryAnswer<HttpAnswer>> {
      const answer = await status.request({ method: 'GET', url: `${bankUrl}/${key}`, key, signal });
      const { state } = JSON.parse(answer.body.toString()) as { readonly state: 'done' | 'not-done' | 'pending' };
      if (state === 'done') return { outcome: 'done', result: answer };
      return { outcome: state === 'not-done' ? 'not-done' : 'unknown' };
    }
    // #endregion
    return { policies: [bank, status], handler: new Billing() };
  };

  const troubles: readonly Payment[] = [
    { charges: 'yes', then: 'hangs' },
    { charges: 'yes', then: 'resets' },
    { charges: 'yes', then: 504 },
    { charges: 'no', then: 'hangs' },
    { charges: 'no', then: 503 },
    { charges: 'no', then: 'resets' },
  ];
  for (const trouble of troubles) {
    it(`pays once, and says so: ${trouble.charges === 'yes' ? 'charged' : 'not charged'}, then ${trouble.then}`, async () => {
      const database = new InMemoryDatabase({ lanes: 1 });
      const unitOfWork = new UnitOfWork({ database, catalogue: orderEvents });
      const bank = aBank(server.url);
      policies = bank.policies;
      server.next(trouble);
      const sink = new HandlerSink<InMemoryTx>({ database, unitOfWork, handlers: [bank.handler] });
      const dispatcher = aDispatcher({
        database,
        catalogue: orderEvents,
        routes: { billing: { sink, only: [OrderPlaced], start: 'beginning', retry: QUICKLY } },
      });

      const receipt = await unitOfWork.run(async ({ track }) => void track(Order.placed('7')));
      await dispatcher.start();
      await dispatcher.delivered(receipt, 'billing', { timeoutMs: 5_000 });

      expect(server.charges).to.have.length(1);
    });
  }
});
