import type { StepAnswer, StepQuestion } from '@waybill/core';
import { Policy } from '@waybill/resilience';
import type { HttpAnswer, QueryAnswer } from '@waybill/resilience';
import type { ChargeCard, RefundCard } from '../messages.js';
import type { PaymentAnswer } from '../payment/payment-answer.js';

export interface PaymentCall {
  /** The idempotency key. */
  readonly key: string;
  readonly signal: AbortSignal;
}

/** The numbers of a demo: in earnest those of the presets do. */
const IMPATIENT = { limits: { firstByteMs: 500, callMs: 1_000 }, breaker: { openMs: 300, least: 10 } };

/** The shop's way to the payment service. */
export class PaymentClient {
  // #region policies
  /** Nothing that moves money is sent again before the service was asked what became of it. */
  readonly #moving = new Policy({ ...IMPATIENT, name: 'payments', preset: 'payment', onUnknownOutcome: 'query' });
  readonly #asking = new Policy({ ...IMPATIENT, name: 'questions about payments', preset: 'critical', idempotent: true });
  // #endregion

  constructor(private readonly url: string) {}

  charge({ orderId, card, totalCents }: ChargeCard['data'], call: PaymentCall): Promise<PaymentAnswer> {
    return this.#move('charges', { orderId, card, cents: totalCents }, call);
  }

  refund({ orderId, totalCents }: RefundCard['data'], call: PaymentCall): Promise<PaymentAnswer> {
    return this.#move('refunds', { orderId, cents: totalCents }, call);
  }

  /** What became of the payment of an order, whatever message asked for it. */
  async ofOrder({ key: orderId, signal }: Pick<StepQuestion<unknown>, 'key' | 'signal'>): Promise<StepAnswer> {
    const answer = await this.#get(`orders/${orderId}`, orderId, signal);
    if (answer.status === 404) return 'pending'; // the command to charge is still on its way
    const { state } = read(answer);
    if (state === 'taken') return 'completed';
    return state === 'declined' ? 'failed' : 'pending';
  }

  async close(): Promise<void> {
    await Promise.all([this.#moving.close(), this.#asking.close()]);
  }

  // #region move
  async #move(what: 'charges' | 'refunds', order: object, { key, signal }: PaymentCall): Promise<PaymentAnswer> {
    const answer = await this.#moving.request({
      // Asked before the first time as well: who lets a parked message go on says "send it", and may not have looked whether it was done.
      ...{ url: `${this.url}/${what}`, key, mayBeRepeat: true, signal },
      headers: { 'idempotency-key': key, 'content-type': 'application/json' },
      body: JSON.stringify(order),
      query: (asked, { signal: within }) => this.#whatBecameOf(what, asked, within),
    });
    return read(answer);
  }

  async #whatBecameOf(what: string, key: string, signal: AbortSignal): Promise<QueryAnswer<HttpAnswer>> {
    const answer = await this.#get(`${what}/${key}`, key, signal);
    return answer.status === 404 ? { outcome: 'not-done' } : { outcome: 'done', result: answer };
  }
  // #endregion

  #get(path: string, key: string, signal: AbortSignal): Promise<HttpAnswer> {
    return this.#asking.request({ method: 'GET', url: `${this.url}/${path}`, key, signal });
  }
}

function read({ status, body }: HttpAnswer): PaymentAnswer {
  if (status >= 200 && status < 300) return JSON.parse(body.toString()) as PaymentAnswer;
  throw new Error(`the payment service answered ${status}: ${body.toString().slice(0, 200)}`);
}
