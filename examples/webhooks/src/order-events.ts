import { defineEvent } from '@waybill/core';
import type { EventOf } from '@waybill/core';
import { z } from 'zod';

const order = z.object({ customerId: z.string(), totalCents: z.number().int() });

// What both sides have agreed on. Each event says what the order costs from now on: applied in another order, the sums would be others.
// #region events
export const OrderPlaced = defineEvent('OrderPlaced', order);
export const OrderChanged = defineEvent('OrderChanged', order);
export const OrderCancelled = defineEvent('OrderCancelled', z.object({ customerId: z.string() }));
// #endregion

export type OrderEvent = EventOf<typeof OrderPlaced> | EventOf<typeof OrderChanged> | EventOf<typeof OrderCancelled>;

export const orderCatalogue = [OrderPlaced, OrderChanged, OrderCancelled];

/** What the order costs after this event. */
export function totalAfter(event: OrderEvent): number {
  return event.type === 'OrderCancelled' ? 0 : event.data.totalCents;
}
