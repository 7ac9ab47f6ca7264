import type { Database, Dispatcher, UnitOfWork } from '@waybill/core';
import { Order } from '../shop/order.js';
import type { PaymentServer } from './servers/payment-server.js';

export interface PaidOrdersOptions {
  readonly run: string;
  readonly database: Database;
  readonly unitOfWork: UnitOfWork;
  readonly payments: PaymentServer;
}

/** The orders of one run, and the person who is asked when nobody knows whether one of them was paid. */
export class PaidOrders {
  /** What was decided, in order. */
  readonly decisions: string[] = [];
  #ids: readonly string[] = [];

  constructor(private readonly options: PaidOrdersOptions) {}

  async place(many: number): Promise<void> {
    const { run, unitOfWork } = this.options;
    const ids: string[] = [];
    for (let nth = 0; nth < many; nth++) {
      const { messages } = await unitOfWork.run(async ({ track }) => void track(Order.placed(`${run}-${nth}`)));
      ids.push(messages[0]!.id);
    }
    this.#ids = ids;
  }

  /** How often each was paid. */
  get times(): readonly number[] {
    return this.#ids.map((id) => this.options.payments.chargesOf(id));
  }

  async areDelivered(): Promise<boolean> {
    const lanes = (await this.options.database.status.lanes()).filter(({ route }) => route === this.options.run);
    return lanes.length > 0 && lanes.every(({ pending }) => pending === 0);
  }

  /** Looks into the provider's books: what was paid is skipped, what was not is sent again. */
  async decide(dispatcher: Dispatcher): Promise<void> {
    const { run, database, payments } = this.options;
    // First what was ordered, then how the lanes are: an order that is carried out in between shows in both.
    const ordered = await database.actions.recorded(run, 100);
    const lanes = (await database.status.lanes()).filter(({ route, state }) => route === run && state === 'halted');
    for (const { lane, failure } of lanes) {
      if (ordered.some((action) => action.lane === lane && !action.executedAt)) continue;
      const { messageId, code } = failure!;
      const isPaid = payments.chargesOf(messageId) > 0;
      this.decisions.push(`${isPaid ? 'skip' : 'send'} after ${code}`);
      await (isPaid ? dispatcher.skip(run, messageId, 'the provider has the money') : dispatcher.resume(run, lane));
    }
  }
}
