import { InboxHandlers } from '@waybill/core';
import { OrderTotals } from './order-totals.js';
import type { ReceiverPlace, WayIn } from './way-in.js';

/** Each message is handled before it is answered. */
export function handleNow({ database, unitOfWork }: ReceiverPlace): WayIn {
  // #region handle-now
  const intake = new InboxHandlers({ name: 'orders', database, unitOfWork, handlers: [new OrderTotals()], inOrder: true });
  // #endregion
  return { intake, finish: async () => {} };
}
