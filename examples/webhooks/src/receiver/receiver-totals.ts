import type { Db } from 'mongodb';
import type { CustomerTotals } from '../customer-totals.js';
import type { CustomerDocument } from './order-totals.js';

/** What the receiver's collection says, by a plain query of the driver. */
export async function receiverTotals(db: Db): Promise<readonly CustomerTotals[]> {
  const customers = await db.collection<CustomerDocument>('customers').find().toArray();
  return customers.map(({ _id: customerId, ...totals }) => ({ customerId, ...totals }));
}
