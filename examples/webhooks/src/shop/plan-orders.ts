/** What becomes of one order: it is placed, changed perhaps, cancelled perhaps. */
export interface PlannedOrder {
  readonly id: string;
  readonly customerId: string;
  /** What it costs when it is placed, and after each change. */
  readonly totals: readonly number[];
  readonly isCancelled: boolean;
}

const MOST_CHANGES = 2;
const CANCELLED = 0.1;
const MOST_CENTS = 50_000;
const ORDERS_A_CUSTOMER = 10;

export function planOrders(orders: number, random: () => number): readonly PlannedOrder[] {
  const customers = Math.ceil(orders / ORDERS_A_CUSTOMER);
  const below = (limit: number): number => Math.floor(random() * limit);
  return Array.from({ length: orders }, (_, nth) => ({
    id: String(nth),
    customerId: `c-${below(customers)}`,
    totals: Array.from({ length: 1 + below(MOST_CHANGES + 1) }, () => 1 + below(MOST_CENTS)),
    isCancelled: random() < CANCELLED,
  }));
}

/** Each is a unit of work of its own, and one message. */
export const commandsOf = ({ totals, isCancelled }: PlannedOrder): number => totals.length + (isCancelled ? 1 : 0);
