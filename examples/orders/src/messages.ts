import { defineCommand, defineEvent } from '@waybill/core';
import type { EventOf } from '@waybill/core';
import { z } from 'zod';

const ofOrder = z.object({ orderId: z.string() });
const reason = z.string();
const totalCents = z.number().int().positive();

// #region events
/** What has become of an order. `card` is what the payment service knows the customer's card by. */
export const OrderPlaced = defineEvent('OrderPlaced', ofOrder.extend({ item: z.string(), card: z.string(), totalCents }));
/** It is paid, and may be shipped. */
export const OrderReleased = defineEvent('OrderReleased', ofOrder.extend({ item: z.string() }));
export const OrderShipped = defineEvent('OrderShipped', ofOrder);
export const OrderCancelled = defineEvent('OrderCancelled', ofOrder.extend({ reason }));

/** What the payment service has answered. */
export const PaymentTaken = defineEvent('PaymentTaken', ofOrder);
export const PaymentDeclined = defineEvent('PaymentDeclined', ofOrder.extend({ reason }));
export const PaymentRefunded = defineEvent('PaymentRefunded', ofOrder);

/** What the shipping service tells. */
export const ParcelShipped = defineEvent('ParcelShipped', ofOrder);
export const ParcelRefused = defineEvent('ParcelRefused', ofOrder.extend({ reason }));
// #endregion

// #region commands
/** What the checkout asks for. Each has one handler. */
export const ChargeCard = defineCommand('ChargeCard', ofOrder.extend({ card: z.string(), totalCents }));
export const RefundCard = defineCommand('RefundCard', ofOrder.extend({ totalCents }));
export const ShipOrder = defineCommand('ShipOrder', ofOrder);
// #endregion

export type OrderPlaced = EventOf<typeof OrderPlaced>;
export type OrderReleased = EventOf<typeof OrderReleased>;
export type OrderShipped = EventOf<typeof OrderShipped>;
export type OrderCancelled = EventOf<typeof OrderCancelled>;
export type OrderEvent = OrderPlaced | OrderReleased | OrderShipped | OrderCancelled;
export type ChargeCard = EventOf<typeof ChargeCard>;
export type RefundCard = EventOf<typeof RefundCard>;
export type ShipOrder = EventOf<typeof ShipOrder>;

export const orderEvents = [OrderPlaced, OrderReleased, OrderShipped, OrderCancelled];
export const parcelEvents = [ParcelShipped, ParcelRefused];
export const shopCatalogue = [
  ...orderEvents,
  ...parcelEvents,
  ...[PaymentTaken, PaymentDeclined, PaymentRefunded],
  ...[ChargeCard, RefundCard, ShipOrder],
];
