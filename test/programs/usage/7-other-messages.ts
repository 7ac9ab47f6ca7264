import { defineEvent, Dispatcher } from '@waybill/core';
import type { Database, UnitOfWork } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { z } from 'zod';
import { ChargeCard, orderCatalogue } from './orders/order-events.js';

// An integration event: what other teams may rely on. Its own name, its own shape, its own stream.
export const OrderAccepted = defineEvent('com.example.shop.order-accepted', z.object({ orderId: z.string(), total: z.string() }));

export async function accept(unitOfWork: UnitOfWork, id: string): Promise<void> {
  await unitOfWork.run(async ({ append }) => {
    append(`customer-c-1`, OrderAccepted({ orderId: id, total: '42.00' })); // ordered per customer, not per order
    append(`charge-${id}`, ChargeCard({ orderId: id, totalCents: 4_200 })); // a command: the one route that names it gets it
    append(`import-${id}`, [OrderAccepted({ orderId: id, total: '1' }), OrderAccepted({ orderId: id, total: '2' })], {
      expectedRevision: 'no-stream',
    });
  });
}

export const dispatcher = (database: Database) =>
  new Dispatcher({
    database,
    catalogue: [...orderCatalogue, OrderAccepted],
    routes: {
      partners: { sink: new InMemorySink(), only: [OrderAccepted] },
      cards: { sink: new InMemorySink(), only: [ChargeCard] },
    },
  });
