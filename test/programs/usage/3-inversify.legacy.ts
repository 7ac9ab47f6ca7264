import 'reflect-metadata';
import { Dispatcher, OutboxHandler, UnitOfWork } from '@waybill/core';
import type { HandlerContext, Message } from '@waybill/core';
import { EventStoreDB } from '@waybill/eventstoredb';
import { waybillModule } from '@waybill/inversify';
import { PostgresDatabase } from '@waybill/postgres';
import type { PostgresTx } from '@waybill/postgres';
import { Container, inject, injectable } from 'inversify';
import { Pool } from 'pg';
import { cards } from './cards.js';
import { Order } from './orders/order.js';
import { ChargeCard, OrderPlaced, orderCatalogue } from './orders/order-events.js';

@injectable()
export class Mailer {
  async send(_to: string): Promise<void> {}
}

@injectable()
export class OrderMails {
  constructor(@inject(Mailer) private readonly mailer: Mailer) {}

  @OutboxHandler(OrderPlaced, { name: 'order-mails' })
  async onPlaced({ data }: Message<OrderPlaced>, { tx }: HandlerContext<PostgresTx>): Promise<void> {
    await tx.query('insert into mail values ($1)', [data.customerId]);
    await this.mailer.send(data.customerId);
  }
}

@injectable()
export class OrderController {
  constructor(@inject(UnitOfWork) private readonly unitOfWork: UnitOfWork) {} // the class is the token

  async post(id: string): Promise<void> {
    await this.unitOfWork.run(async ({ track }) => track(new Order(id)).place('c-1', 1));
  }
}

const eventstore = new EventStoreDB('esdb://localhost:2113');
const container = new Container();
container.bind(Mailer).toSelf();
container.bind(OrderController).toSelf();
container.load(
  waybillModule({
    database: new PostgresDatabase({ pool: new Pool() }),
    catalogue: orderCatalogue,
    history: eventstore.history,
    routes: {
      eventstoredb: { sink: eventstore.sink },
      cards: { sink: cards, only: [ChargeCard] },
      mails: { handlers: [OrderMails], retry: { attempts: 5 } },
    },
  }),
);

const dispatcher = container.get(Dispatcher<'eventstoredb' | 'cards' | 'mails'>); // typed by an instantiation expression
const unitOfWork = container.get(UnitOfWork<PostgresTx>);
await dispatcher.start();
const receipt = await unitOfWork.run(async ({ tx, track }) => {
  await tx.query('select 1');
  track(new Order('8')).place('c-2', 2);
});
await dispatcher.delivered(receipt, 'mails');
