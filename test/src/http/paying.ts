import { Dispatcher, HandlerSink, OutboxHandler, OutcomeUnknownError, systemClock, UnitOfWork } from '@waybill/core';
import type { CallContext, Clock, Commit, Database, Message, Reached, Sink } from '@waybill/core';
import { HttpSink } from '@waybill/http';
import { Policy } from '@waybill/resilience';
import type { PolicyOptions, QueryAnswer } from '@waybill/resilience';
import { orderEvents, OrderNoted, OrderPlaced } from '../shop/order.js';

/** Ways to ask a payment provider for the money of an order. */
export type Way = 'an HttpSink' | 'a two-step handler';

export interface PayingOptions {
  readonly way: Way;
  /** Of the provider. */
  readonly url: string;
  readonly onUnknownOutcome: 'query' | 'halt';
  readonly database: Database;
  readonly clock?: Clock;
  readonly reached?: Reached;
}

const LEASE_MS = 800;

/** Asks for the money of the orders whose ids begin with the name of the run. */
export function payingDispatcher(run: string, options: PayingOptions, sink: Sink = payingSink(options)): Dispatcher {
  const { database, clock = systemClock, reached } = options;
  return new Dispatcher({
    ...{ database, clock, catalogue: orderEvents, leaseMs: LEASE_MS, pollMs: 50, stopWithinMs: 500 },
    ...(reached && { reached }),
    routes: {
      [run]: { sink, only: [OrderPlaced], streams: [`order-${run}-`], start: 'beginning', retry: { firstMs: 1, maxMs: 20 } },
    },
  });
}

export function payingSink(options: PayingOptions): Sink {
  return options.way === 'an HttpSink' ? httpSink(options) : handlerSink(options);
}

/** Sends the orders as they are. */
function httpSink({ url, onUnknownOutcome, clock = systemClock }: PayingOptions): Sink {
  const query = async (key: string, { signal }: { readonly signal: AbortSignal }) => {
    const { outcome } = await whatBecameOf(url, key, signal);
    return { outcome };
  };
  return new HttpSink({
    ...{ source: '/shop', url, policy: policyOf(onUnknownOutcome, clock), clock },
    ...(onUnknownOutcome === 'query' && { query }),
  });
}

/** Asks for the money, and then commits what came of it. */
function handlerSink({ url, onUnknownOutcome, database, clock = systemClock, reached }: PayingOptions): Sink {
  const policy = new Policy({ name: 'payments', ...policyOf(onUnknownOutcome, clock) });

  class Billing {
    @OutboxHandler(OrderPlaced, { name: 'charge-card', twoStep: true })
    async charge({ id, data }: Message<OrderPlaced>, { mayBeRepeat, signal }: CallContext): Promise<Commit<unknown>> {
      const receipt = await policy.call((attempt) => pay(url, data.totalCents, attempt), {
        ...{ key: id, mayBeRepeat, signal },
        query: (key, asked) => whatBecameOf(url, key, asked.signal),
      });
      return async ({ append }) => void append(`receipt-${id}`, OrderNoted({ text: receipt }));
    }
  }

  const unitOfWork = new UnitOfWork({ database, catalogue: orderEvents });
  return new HandlerSink({ database, unitOfWork, handlers: [new Billing()], clock, ...(reached && { reached }) });
}

const policyOf = (onUnknownOutcome: 'query' | 'halt', clock: Clock): Omit<PolicyOptions, 'name' | 'idempotent' | 'publicOnly'> => ({
  ...{ preset: 'payment', onUnknownOutcome, breaker: false, clock },
  limits: { firstByteMs: 300, callMs: 600 },
});

async function pay(url: string, cents: number, { key, signal }: { readonly key: string; readonly signal: AbortSignal }): Promise<string> {
  const answer = await fetch(url, {
    ...{ method: 'POST', signal },
    headers: { 'idempotency-key': key, 'content-type': 'application/json' },
    body: JSON.stringify({ cents }),
  });
  await answer.text();
  if (answer.status >= 500) throw new OutcomeUnknownError('payments', key, `the answer was ${answer.status}`);
  return key;
}

/** What the provider says; while it is under way, that is no answer. */
async function whatBecameOf(url: string, key: string, signal: AbortSignal): Promise<QueryAnswer<string>> {
  const answer = await fetch(`${url}/${key}`, { signal });
  if (!answer.ok) throw new Error(`the question was answered with ${answer.status}`);
  const { state } = (await answer.json()) as { readonly state: string };
  if (state === 'done') return { outcome: 'done', result: key };
  return { outcome: state === 'not-done' ? 'not-done' : 'unknown' };
}
