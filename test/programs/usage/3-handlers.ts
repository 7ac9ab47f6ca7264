// Compiles, unchanged, with standard (TC39) and with legacy decorators; needs no reflect-metadata and no container.
import { AsyncLocalStorage } from 'node:async_hooks';
import { ArrivalLog, Dispatcher, handled, HandlerSink, InboxHandler, InboxHandlers, OutboxHandler } from '@waybill/core';
import type { CallContext, Commit, CommitOrCompensate, HandlerContext, HandlerMiddleware, Message } from '@waybill/core';
import { EventStoreDB } from '@waybill/eventstoredb';
import type { PostgresTx } from '@waybill/postgres';
import { PostgresDatabase } from '@waybill/postgres';
import { Pool } from 'pg';
import { ChargeCard, OrderCancelled, orderCatalogue as catalogue, OrderPlaced, OrderShipped } from './orders/order-events.js';
import { Order } from './orders/order.js';
import { unitOfWork } from './2-postgres.js';
import { cards } from './cards.js';

interface Payments {
  charge(cents: number, options: { idempotencyKey: string; signal: AbortSignal }): Promise<{ id: string }>;
  refund(id: string, options: { idempotencyKey: string; signal: AbortSignal }): Promise<void>;
}

export class OrderDiary {
  // one event
  @OutboxHandler(OrderPlaced, { name: 'order-diary' })
  async onPlaced({ data, stream }: Message<OrderPlaced>, { tx, attempt, logger }: HandlerContext<PostgresTx>): Promise<void> {
    logger.debug({ attempt }, 'writing');
    await tx.query('insert into diary values ($1, $2)', [stream, data.totalCents]);
  }

  // several events on one method; `type` narrows `data`
  @OutboxHandler([OrderPlaced, OrderCancelled], { name: 'order-feed' })
  async onChange(message: Message<OrderPlaced | OrderCancelled>, { tx }: HandlerContext<PostgresTx>): Promise<void> {
    const text = message.type === 'OrderPlaced' ? `for ${message.data.customerId}` : message.data.reason;
    await tx.query('insert into feed values ($1, $2)', [message.id, text]);
  }

  // arrives from elsewhere: the context is a unit of work that joins the claim's transaction
  @InboxHandler(OrderShipped, { name: 'close-order' })
  async onShipped({ stream }: Message<OrderShipped>, { load }: HandlerContext<unknown>): Promise<void> {
    (await load(Order, stream.slice('order-'.length))).cancel('shipped elsewhere');
  }
}

export class Billing {
  constructor(private readonly payments: Payments) {}

  // two steps: call first, then commit; the result and the claim commit together
  @OutboxHandler(OrderPlaced, { name: 'charge-card', twoStep: true })
  async charge(message: Message<OrderPlaced>, { signal }: CallContext): Promise<Commit<PostgresTx>> {
    const charge = await this.payments.charge(message.data.totalCents, { idempotencyKey: message.id, signal });
    return async ({ tx, append }) => {
      await tx.query('insert into charge values ($1, $2)', [charge.id, message.stream]);
      append(`charged-${message.stream}`, OrderShipped({ at: new Date() }));
    };
  }

  // what the call has done is taken back where it can never be committed; and tries of its own before the lane hears of a failure
  @OutboxHandler(OrderPlaced, { name: 'charge-deposit', twoStep: true, retry: { attempts: 3, firstMs: 50, maxMs: 1_000 } })
  async deposit({ id, stream }: Message<OrderPlaced>, { signal }: CallContext): Promise<CommitOrCompensate<PostgresTx>> {
    const charge = await this.payments.charge(1_000, { idempotencyKey: id, signal });
    return {
      commit: async ({ tx }) => void (await tx.query('insert into deposit values ($1, $2)', [charge.id, stream])),
      compensate: async (context) => this.payments.refund(charge.id, { idempotencyKey: id, signal: context.signal }),
    };
  }

  // best effort: what it cannot do becomes a case for a person, and the message goes on
  @OutboxHandler(OrderCancelled, { name: 'regret', onFailure: 'discard' })
  async regret(_message: Message<OrderCancelled>, _context: HandlerContext<PostgresTx>): Promise<void> {}
}

// around each call of a handler's code
const tenant = new AsyncLocalStorage<string | undefined>();
const withTenant: HandlerMiddleware = ({ message }, next) => tenant.run(message.metadata['tenant'], next);

declare const payments: Payments;
const database = new PostgresDatabase({ pool: new Pool() });
const handlers = new HandlerSink({
  database,
  unitOfWork,
  handlers: [new OrderDiary(), new Billing(payments)],
  middleware: [withTenant],
});
const eventstore = new EventStoreDB('esdb://localhost:2113');
export const dispatcher = new Dispatcher({
  database,
  catalogue,
  routes: {
    eventstoredb: { sink: eventstore.sink },
    cards: { sink: cards, only: [ChargeCard] },
    diary: { sink: handlers, onFailure: 'halt' },
  },
});

// wait for the effects, not only until the sink accepted
const receipt = await unitOfWork.run(async ({ load }) => (await load(Order, '7')).cancel('out of stock'));
await handled(receipt, handlers, { timeoutMs: 5_000 });

// handled before the sender gets its answer ...
export const now = new InboxHandlers({ name: 'shipments', database, unitOfWork, handlers: [new OrderDiary()], inOrder: true });

// ... or accepted durably, and handled later by a dispatcher over a log beside the outbox
const log = new PostgresDatabase({ pool: new Pool(), schema: 'arrivals' });
export const later = new ArrivalLog({ name: 'shipments', database: log, catalogue: [OrderShipped], inOrder: true });
export const handling = new Dispatcher({
  database: log,
  catalogue: [OrderShipped],
  routes: {
    handlers: { sink: new HandlerSink({ kind: 'inbox', database, unitOfWork, handlers: [new OrderDiary()] }), onFailure: 'park-stream' },
  },
});
