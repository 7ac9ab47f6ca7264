import { InboxHandler } from '@waybill/core';
import type { Message } from '@waybill/core';
import { OrderPlaced } from '../order.js';

/** A handler without an effect: what is left is what it costs that a message is handled once. */
export class HandlesNothing {
  calls = 0;

  @InboxHandler(OrderPlaced, { name: 'nothing' })
  async onOrderPlaced(_message: Message<OrderPlaced>): Promise<void> {
    this.calls++;
  }
}
