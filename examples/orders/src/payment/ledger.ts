import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { PaymentAnswer } from './payment-answer.js';

/** A line of the payment service's books. A charge that is decided later has two. */
export interface LedgerLine extends PaymentAnswer {
  readonly what: 'charges' | 'refunds';
  /** Of the request. */
  readonly key: string;
  readonly orderId: string;
  readonly cents: number;
  /** When a pending one is decided, in milliseconds since 1970, and how. */
  readonly decided?: { readonly at: number; readonly as: PaymentAnswer };
}

/** The books: a line is in the file before anybody hears of it, so that no kill loses one. */
export class Ledger {
  readonly #lines: LedgerLine[];

  constructor(private readonly file: string) {
    this.#lines = [...readLedger(file)];
  }

  write(line: LedgerLine): void {
    appendFileSync(this.file, `${JSON.stringify(line)}\n`);
    this.#lines.push(line);
  }

  /** What was written last of a request. */
  ofKey(what: string, key: string): LedgerLine | undefined {
    return this.#lines.findLast((line) => line.what === what && line.key === key);
  }

  /** What was written last of an order's charge. */
  ofOrder(orderId: string): LedgerLine | undefined {
    return this.#lines.findLast((line) => line.what === 'charges' && line.orderId === orderId);
  }

  get pending(): readonly LedgerLine[] {
    return this.#lines.filter((line) => line.state === 'pending' && this.ofKey(line.what, line.key) === line);
  }
}

export function readLedger(file: string): readonly LedgerLine[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as LedgerLine);
}
