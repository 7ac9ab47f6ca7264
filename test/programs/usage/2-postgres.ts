import { Dispatcher, UnitOfWork } from '@waybill/core';
import { EventStoreDB } from '@waybill/eventstoredb';
import { PostgresDatabase } from '@waybill/postgres';
import type { PostgresTx } from '@waybill/postgres';
import { Pool } from 'pg';
import { OrderDesk } from './orders/order-commands.js';
import { orderCatalogue as catalogue, ChargeCard } from './orders/order-events.js';
import { orderList } from './orders/order-list.js';
import { cards } from './cards.js';

const database = new PostgresDatabase({ pool: new Pool() });
const projectors = [
  orderList<PostgresTx>((tx) => ({
    add: ({ stream, totalCents }) => tx.query('insert into order_list values ($1, $2)', [stream, totalCents]),
    remove: (stream) => tx.query('delete from order_list where stream = $1', [stream]),
  })),
];

// from here on: the same lines
const eventstore = new EventStoreDB('esdb://localhost:2113?tls=false');
export const unitOfWork = new UnitOfWork({ database, catalogue, history: eventstore.history, projectors });
export const dispatcher = new Dispatcher({
  database,
  catalogue,
  routes: { eventstoredb: { sink: eventstore.sink }, cards: { sink: cards, only: [ChargeCard] } },
});
export const desk = new OrderDesk(unitOfWork);
