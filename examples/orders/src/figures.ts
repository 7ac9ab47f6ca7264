import type { Audit, Ending } from './books/audit.js';

const [NAME, COLUMN] = [34, 14];
const MOST_FAULTS = 10;

/** How the orders ended, and where the money is. */
export function auditTable({ shipped, cancelled }: Audit): string[] {
  const row = (name: string, ...cells: readonly string[]): string =>
    `  ${name.padEnd(NAME)}${cells.map((cell) => cell.padStart(COLUMN)).join('')}`.trimEnd();
  const line = (name: string, { orders, takenCents, refundedCents }: Ending): string =>
    row(name, orders.toLocaleString('en-US'), euros(takenCents), euros(refundedCents), euros(takenCents - refundedCents));
  const all = [shipped, ...cancelled.values()].reduce(
    (one, other) => ({
      orders: one.orders + other.orders,
      takenCents: one.takenCents + other.takenCents,
      refundedCents: one.refundedCents + other.refundedCents,
    }),
    { orders: 0, takenCents: 0, refundedCents: 0 },
  );
  return [
    row('', 'orders', 'taken', 'refunded', 'kept'),
    line('shipped', shipped),
    ...[...cancelled].map(([reason, ending]) => line(`cancelled: ${reason}`, ending)),
    line('all', all),
  ];
}

export function judgement({ faults, shipped }: Audit): string[] {
  if (faults.length > 0) return ['  ✗ The books do not balance:', ...faults.slice(0, MOST_FAULTS).map((fault) => `    ${fault}`)];
  const kept = euros(shipped.takenCents);
  return [
    `  ✓ The books balance: ${kept} taken and kept, for ${shipped.orders} orders that were shipped once. No order is in between, none is stuck.`,
  ];
}

const euros = (cents: number): string => (cents / 100).toLocaleString('en-US', { minimumFractionDigits: 2 });
