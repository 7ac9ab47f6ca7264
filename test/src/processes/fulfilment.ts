import { defineCommand, defineEvent, defineState, processManager } from '@waybill/core';
import type { ProcessManager, StepAnswer, StepQuestion } from '@waybill/core';
import { z } from 'zod';

const ofOrder = z.object({ orderId: z.string() });
export const Placed = defineEvent('Placed', ofOrder.extend({ totalCents: z.number().int() }));
export const PaymentTaken = defineEvent('PaymentTaken', ofOrder);
export const PaymentDeclined = defineEvent('PaymentDeclined', ofOrder.extend({ reason: z.string() }));
export const StockReserved = defineEvent('StockReserved', ofOrder);
export const StockReleased = defineEvent('StockReleased', ofOrder);
export const Shipped = defineEvent('Shipped', ofOrder);
export const ShippingFailed = defineEvent('ShippingFailed', ofOrder);
export const Cancelled = defineEvent('Cancelled', ofOrder);
export const fulfilmentEvents = [
  ...[Placed, PaymentTaken, PaymentDeclined, StockReserved, StockReleased],
  ...[Shipped, ShippingFailed, Cancelled],
];

export const ReserveStock = defineCommand('ReserveStock', ofOrder);
export const ReleaseStock = defineCommand('ReleaseStock', ofOrder);
export const ChargeCard = defineCommand('ChargeCard', ofOrder.extend({ totalCents: z.number().int() }));
export const RefundCard = defineCommand('RefundCard', ofOrder.extend({ totalCents: z.number().int() }));
export const ShipOrder = defineCommand('ShipOrder', ofOrder);
export const fulfilmentCommands = [ReserveStock, ReleaseStock, ChargeCard, RefundCard, ShipOrder];

const FulfilmentState = defineState(z.object({ totalCents: z.number().int() }));

export interface FulfilmentOptions {
  /** What the payment service says, when it is asked. Default: that it is pending. */
  readonly askPayment?: (question: StepQuestion<{ totalCents: number }>) => Promise<StepAnswer>;
  /** Wait for the stock to be released before the payment is given back. Default false. */
  readonly confirmed?: boolean;
  readonly statusAttempts?: number;
  readonly pendingMs?: number;
  readonly unpaidMs?: number;
}

export const PENDING_MS = 60_000;
export const UNPAID_MS = 3_600_000;

const key = { key: ({ data }: { readonly data: { readonly orderId: string } }) => data.orderId };

/** Stock is reserved, then the card is charged, then the order is shipped, which nothing takes back. */
export function fulfilmentOf({
  askPayment = async () => 'pending',
  confirmed = false,
  statusAttempts = 2,
  pendingMs = PENDING_MS,
  unpaidMs = UNPAID_MS,
}: FulfilmentOptions = {}): ProcessManager {
  return processManager('fulfilment', {
    state: FulfilmentState,
    initial: () => ({ totalCents: 0 }),
    statusAttempts,
    steps: {
      stock: {
        compensation: ({ key: orderId }) => ReleaseStock({ orderId }),
        compensationConfirmed: confirmed,
        ...(confirmed && { pendingTimeoutMs: pendingMs }),
        onCompleted: ({ key: orderId, state, begin }) => begin('payment', ChargeCard({ orderId, ...state })),
      },
      payment: {
        compensation: ({ key: orderId, state }) => RefundCard({ orderId, ...state }),
        pendingTimeoutMs: pendingMs,
        status: askPayment,
        onCompleted: ({ key: orderId, begin }) => begin('shipment', ShipOrder({ orderId })),
      },
      shipment: { irreversible: true, onCompleted: ({ end }) => end() },
    },
    timeouts: {
      unpaid: async ({ steps, fail }) => steps.payment !== 'completed' && fail('payment', 'nobody paid'),
    },
  })
    .startsWith(Placed, key, async ({ data: { orderId, totalCents } }, process) => {
      process.state = { totalCents };
      process.begin('stock', ReserveStock({ orderId }));
      process.timeoutAfter('unpaid', unpaidMs);
    })
    .on(StockReserved, key, async (_, { complete }) => complete('stock'))
    .on(StockReleased, key, async (_, { compensated }) => compensated('stock'))
    .on(PaymentTaken, key, async (_, { complete }) => complete('payment'))
    .on(PaymentDeclined, key, async ({ data }, { fail }) => fail('payment', data.reason))
    .on(Shipped, key, async (_, { complete }) => complete('shipment'))
    .on(ShippingFailed, key, async (_, { fail }) => fail('shipment', 'the van broke down'))
    .on(Cancelled, key, async (_, { compensate }) => compensate('the customer cancelled'));
}
