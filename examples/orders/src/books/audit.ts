import type { LedgerLine } from '../payment/ledger.js';
import type { ShippingBooks, ShopBooks } from './books.js';

/** How many orders ended in one way, and what became of their money. */
export interface Ending {
  readonly orders: number;
  readonly takenCents: number;
  readonly refundedCents: number;
}

export interface Audit {
  readonly shipped: Ending;
  /** By reason, the most frequent first. */
  readonly cancelled: ReadonlyMap<string, Ending>;
  /** Everything that is not as it should be; nothing: the books balance. */
  readonly faults: readonly string[];
}

export interface AllBooks {
  readonly shop: ShopBooks;
  readonly shipping: ShippingBooks;
  readonly ledger: readonly LedgerLine[];
  /** Orders of which the customers were told that they are placed. */
  readonly promised: readonly string[];
}

/** Lays the books of the three services beside each other, order by order. None of them knows of the others'. */
export function audit({ shop, shipping, ledger, promised }: AllBooks): Audit {
  const listed = new Map(shop.orders.map((order) => [order.orderId, order]));
  const labels = counted(shipping.labels);
  const moved = byOrder(ledger);
  const faults = [
    ...promised.filter((id) => !shop.placed.includes(id)).map((id) => `order ${id} was promised, and is not committed`),
    ...shop.placed.filter((id) => !listed.has(id)).map((id) => `order ${id} is not in the list of orders`),
    ...[...new Set([...listed.keys(), ...labels.keys(), ...moved.keys()])]
      .filter((id) => !shop.placed.includes(id))
      .map((id) => `order ${id} was never placed`),
    ...shop.open.map((line) => `${line}, and nobody is at it`),
    ...(shop.openCases > 0 ? [`${shop.openCases} cases wait for a person`] : []),
  ];
  const endings = new Map<string, Ending>();
  for (const { orderId, status, reason, totalCents } of shop.orders) {
    const { taken, refunded } = moved.get(orderId) ?? NOTHING;
    const parcels = labels.get(orderId) ?? 0;
    const what = `order ${orderId}, ${totalCents} cents, is ${status}`;
    const money = `taken ${list(taken)}, refunded ${list(refunded)}`;
    if (status !== 'shipped' && status !== 'cancelled') faults.push(`${what}: it is in between`);
    if (parcels !== (status === 'shipped' ? 1 : 0)) faults.push(`${what}: ${parcels} parcels left the house`);
    const isPaid = list(taken) === `${totalCents}`;
    const isRight =
      status === 'shipped' ? isPaid && refunded.length === 0 : (isPaid || taken.length === 0) && list(taken) === list(refunded);
    if (!isRight) faults.push(`${what}: ${money}`);
    const ending = status === 'shipped' ? 'shipped' : (reason ?? status);
    const { orders, takenCents, refundedCents } = endings.get(ending) ?? { orders: 0, takenCents: 0, refundedCents: 0 };
    endings.set(ending, { orders: orders + 1, takenCents: takenCents + sum(taken), refundedCents: refundedCents + sum(refunded) });
  }
  const { shipped = { orders: 0, takenCents: 0, refundedCents: 0 } } = Object.fromEntries(endings);
  endings.delete('shipped');
  return { shipped, cancelled: new Map([...endings].sort(([, one], [, other]) => other.orders - one.orders)), faults };
}

interface Moved {
  readonly taken: number[];
  readonly refunded: number[];
}

const NOTHING: Moved = { taken: [], refunded: [] };

function byOrder(ledger: readonly LedgerLine[]): ReadonlyMap<string, Moved> {
  const moved = new Map<string, Moved>();
  for (const { orderId, state, cents } of ledger) {
    if (state !== 'taken' && state !== 'refunded') continue;
    const ofOrder = moved.get(orderId) ?? { taken: [], refunded: [] };
    moved.set(orderId, ofOrder);
    ofOrder[state].push(cents);
  }
  return moved;
}

function counted(ids: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

const sum = (all: readonly number[]): number => all.reduce((one, other) => one + other, 0);
const list = (cents: readonly number[]): string => (cents.length === 0 ? 'nothing' : cents.join(' and '));
