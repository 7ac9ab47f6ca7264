import { OutboxHandler } from '@waybill/core';
import type { CallContext, Commit, Message } from '@waybill/core';
import { ChargeCard, PaymentDeclined, PaymentRefunded, PaymentTaken, RefundCard } from '../messages.js';
import type { PaymentClient } from './payment-client.js';

// #region payments
/** Moves money. First the call, outside any transaction; then what came of it is committed. The message's id is the key of the call. */
export class Payments {
  constructor(private readonly client: PaymentClient) {}

  @OutboxHandler(ChargeCard, { name: 'charge-card', twoStep: true })
  async charge({ id, data }: Message<ChargeCard>, { signal }: CallContext): Promise<Commit<unknown>> {
    const { orderId } = data;
    const { state, reason = '' } = await this.client.charge(data, { key: id, signal });
    return async ({ append }) => {
      if (state === 'taken') append(`payment-${orderId}`, PaymentTaken({ orderId }));
      if (state === 'declined') append(`payment-${orderId}`, PaymentDeclined({ orderId, reason }));
      // `pending`: the bank thinks about it. The checkout asks.
    };
  }

  @OutboxHandler(RefundCard, { name: 'refund-card', twoStep: true })
  async refund({ id, data }: Message<RefundCard>, { signal }: CallContext): Promise<Commit<unknown>> {
    const { orderId } = data;
    await this.client.refund(data, { key: id, signal });
    return async ({ append }) => append(`payment-${orderId}`, PaymentRefunded({ orderId }));
  }
}
// #endregion
