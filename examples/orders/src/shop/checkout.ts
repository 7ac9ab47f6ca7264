import { defineState, processManager } from '@waybill/core';
import type { Process, ProcessManager, StepAnswer, StepQuestion } from '@waybill/core';
import { z } from 'zod';
import {
  ChargeCard,
  OrderPlaced,
  ParcelRefused,
  ParcelShipped,
  PaymentDeclined,
  PaymentTaken,
  RefundCard,
  ShipOrder,
} from '../messages.js';
import { Order } from './order.js';

export interface CheckoutOptions {
  /** Asks the payment service what became of the order's payment. */
  readonly askPayment: (question: StepQuestion<unknown>) => Promise<StepAnswer>;
  /** How long a payment may be open before it is asked for, and again. */
  readonly pendingMs: number;
  /** How often; then a person has to find out. */
  readonly statusAttempts: number;
  /** How long a customer has to pay. */
  readonly unpaidMs: number;
}

// #region checkout
const CheckoutState = defineState(z.object({ totalCents: z.number().int() }));

/** From an order that is placed to one that is shipped, or cancelled with the money back. */
export function checkout({ askPayment, pendingMs, statusAttempts, unpaidMs }: CheckoutOptions): ProcessManager {
  return processManager('checkout', {
    state: CheckoutState,
    initial: () => ({ totalCents: 0 }),
    statusAttempts,
    steps: {
      payment: {
        compensation: ({ key: orderId, state }) => RefundCard({ orderId, ...state }),
        pendingTimeoutMs: pendingMs,
        status: askPayment,
        onCompleted: ({ key: orderId, begin }) => begin('shipment', ShipOrder({ orderId })),
        onFailed: giveUp,
      },
      shipment: { irreversible: true, onCompleted: shipped, onFailed: giveUp },
    },
    timeouts: {
      // Not `fail`: the money may be taken yet. The payment stays open, and is taken back when it completes.
      unpaid: (process) => process.steps.payment === 'completed' || giveUp(process, 'not paid in time'),
    },
  })
    .startsWith(OrderPlaced, byOrder, async ({ data: { orderId, card, totalCents } }, process) => {
      process.state = { totalCents };
      process.begin('payment', ChargeCard({ orderId, card, totalCents }));
      process.timeoutAfter('unpaid', unpaidMs);
    })
    .on(PaymentTaken, byOrder, async (_, { complete }) => complete('payment'))
    .on(PaymentDeclined, byOrder, async ({ data: { reason } }, { fail }) => fail('payment', reason))
    .on(ParcelShipped, byOrder, async (_, { complete }) => complete('shipment'))
    .on(ParcelRefused, byOrder, async ({ data: { reason } }, { fail }) => fail('shipment', reason));
}

const byOrder = { key: ({ data }: { readonly data: { readonly orderId: string } }) => data.orderId };

async function shipped({ key, load, end }: Pick<Process<unknown>, 'key' | 'load' | 'end'>): Promise<void> {
  (await load(Order, key)).ship();
  end();
}

/** Cancels the order, and takes back what was done for it, in one transaction. */
async function giveUp({ key, load, compensate }: Pick<Process<unknown>, 'key' | 'load' | 'compensate'>, reason: string): Promise<void> {
  (await load(Order, key)).cancel(reason);
  compensate(reason);
}
// #endregion
