import { Dispatcher } from '@waybill/core';
import type { Sink } from '@waybill/core';
import { waybillModule } from '@waybill/inversify';
import type { PostgresDatabase } from '@waybill/postgres';
import type { HandlerContext, Message } from '@waybill/core';
import { orderCatalogue as catalogue, OrderPlaced } from '../usage/orders/order-events.js';
import type { OtherTx } from './other-database.js';

declare const database: PostgresDatabase;
declare const sink: Sink;

const dispatcher = new Dispatcher({ database, catalogue, routes: { eventstoredb: { sink }, cards: { sink } } });

// @ts-expect-error Argument of type '"eventstore"' is not assignable to parameter of type '"eventstoredb" | "cards"'
await dispatcher.delivered('token', 'eventstore');

// @ts-expect-error Type '"parkStream"' is not assignable to type
export const option = new Dispatcher({ database, catalogue, routes: { cards: { sink, onFailure: 'parkStream' } } });

// @ts-expect-error 'filter' does not exist in type 'RouteOptions'
export const unknown = new Dispatcher({ database, catalogue, routes: { cards: { sink, filter: [OrderPlaced] } } });

// @ts-expect-error Property 'sink' is missing in type
export const nowhere = new Dispatcher({ database, catalogue, routes: { cards: { onFailure: 'halt' } } });

class Mails {
  constructor(readonly address: string) {}
}

class Foreign {
  async onPlaced(_message: Message<OrderPlaced>, _context: HandlerContext<OtherTx>): Promise<void> {}
}

export const right = waybillModule({
  database,
  catalogue,
  routes: { eventstoredb: { sink }, mails: { handlers: [Mails], retry: { attempts: 3 } } },
});

// @ts-expect-error Property 'handlers' is missing in type
waybillModule({ database, catalogue, routes: { eventstoredb: { sink }, mails: { onFailure: 'halt' } } });

// @ts-expect-error Type 'Mails' provides no match for the signature 'new (...args: any[]): object'
waybillModule({ database, catalogue, routes: { mails: { handlers: [new Mails('a')] } } });

// @ts-expect-error 'handlers' does not exist in type 'RouteOptions'
waybillModule({ database, catalogue, routes: { mails: { handlers: [Mails], sink } } });

// @ts-expect-error 'handlers' does not exist in type 'RouteOptions'
waybillModule({ database, catalogue, routes: { mails: { handlers: [Mails], only: [OrderPlaced] } } });

// @ts-expect-error onPlaced() wants the transaction of another database
waybillModule({ database, catalogue, routes: { mails: { handlers: [Mails, Foreign] } } });
