import { number } from './progress.js';
import type { Count } from './receiver/receiver-reports.js';
import type { RunFigures } from './run.js';
import type { Verdict } from './verdict.js';

const [NAME, SIDE, WORD] = [36, 20, 14];

/** Both sides beside each other, and whether they agree. */
export function verdictTable({ shop, receiver, differing }: Verdict): string[] {
  const row = (name: string, one: string, other: string, word = one === other ? 'equal' : 'DIFFERENT'): string =>
    `  ${name.padEnd(NAME)}${one.padStart(SIDE)}${other.padStart(SIDE)}${word.padStart(WORD)}`.trimEnd();
  return [
    row('', 'shop, PostgreSQL', 'receiver, MongoDB', ''),
    row('customers', number(shop.customers), number(receiver.customers)),
    row('orders', number(shop.orders), number(receiver.orders)),
    row('messages in these sums', number(shop.messages), number(receiver.messages)),
    row('sum of all orders', euros(shop.totalCents), euros(receiver.totalCents)),
    row('customers whose sums differ', '', number(differing), differing === 0 ? 'none' : 'DIFFERENT'),
  ];
}

/** How it went, in two lines. */
export function storyOf({ progress, durationMs, silenceMs }: RunFigures, { duplicates }: Count): string[] {
  return [
    `  ${number((1_000 * progress.all) / durationMs)} messages a second, the ${number(silenceMs)} ms without a receiver included; ${number(progress.mostWaiting)} waited at most.`,
    `  ${number(duplicates)} came a second time after the kill, and were known.`,
  ];
}

const euros = (cents: number): string => (cents / 100).toLocaleString('en-US', { minimumFractionDigits: 2 });
