import type { CustomerTotals } from './customer-totals.js';

/** The sums over all customers of one side. */
export type Sums = Omit<CustomerTotals, 'customerId'> & { readonly customers: number };

export interface Verdict {
  readonly shop: Sums;
  readonly receiver: Sums;
  /** Customers of whom the two sides hold something else; the first ten of them in words. */
  readonly differing: number;
  readonly examples: readonly string[];
  /** Both sides agree, customer by customer, and nothing of what was committed is missing on both. */
  readonly ok: boolean;
}

const MOST_EXAMPLES = 10;

/**
 * Compares two sides of which neither knows the other.
 *
 * @param committed - events of which the writers were told that they are committed
 */
export function verdictOn(shop: readonly CustomerTotals[], receiver: readonly CustomerTotals[], committed: number): Verdict {
  const [ofShop, ofReceiver] = [byCustomer(shop), byCustomer(receiver)];
  const differing = [...new Set([...ofShop.keys(), ...ofReceiver.keys()])]
    .filter((customer) => told(ofShop.get(customer)) !== told(ofReceiver.get(customer)))
    .sort();
  const sums = { shop: sumsOf(shop), receiver: sumsOf(receiver) };
  return {
    ...sums,
    differing: differing.length,
    examples: differing
      .slice(0, MOST_EXAMPLES)
      .map((customer) => `${customer}: the shop has ${told(ofShop.get(customer))}, the receiver ${told(ofReceiver.get(customer))}`),
    ok: differing.length === 0 && sums.shop.messages === committed,
  };
}

const byCustomer = (totals: readonly CustomerTotals[]): ReadonlyMap<string, CustomerTotals> =>
  new Map(totals.map((each) => [each.customerId, each]));

const told = (totals: CustomerTotals | undefined): string =>
  totals === undefined ? 'nothing' : `${totals.orders} orders, ${totals.messages} messages, ${totals.totalCents} cents`;

function sumsOf(totals: readonly CustomerTotals[]): Sums {
  const sum = (key: 'orders' | 'messages' | 'totalCents'): number => totals.reduce((all, each) => all + each[key], 0);
  return { customers: totals.length, orders: sum('orders'), messages: sum('messages'), totalCents: sum('totalCents') };
}
