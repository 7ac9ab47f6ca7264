import type { InMemoryTransactions, InMemoryTx } from './in-memory-transactions.js';

/** Rows by key. A transaction locks those that it writes until it has ended, and sees its own; others see them once it has committed. */
export class InMemoryTable<Row> {
  readonly #rows = new Map<string, Row>();

  constructor(
    private readonly name: string,
    private readonly transactions: InMemoryTransactions,
  ) {}

  lock(key: string, tx: InMemoryTx): Promise<void> {
    return this.transactions.lock(this.#place(key), tx);
  }

  /** Locks the row, and reads it. */
  async locked(key: string, tx: InMemoryTx): Promise<Row | undefined> {
    await this.lock(key, tx);
    return this.get(key, tx);
  }

  get(key: string, tx?: InMemoryTx): Row | undefined {
    const own = tx?.own.get(this.#place(key)) as { readonly row: Row | undefined } | undefined;
    return own ? own.row : this.#rows.get(key);
  }

  /** Writes a row that the transaction has locked; `undefined` removes it. */
  set(key: string, row: Row | undefined, tx: InMemoryTx): void {
    tx.own.set(this.#place(key), { row });
    tx.onCommit(() => {
      if (row === undefined) this.#rows.delete(key);
      else this.#rows.set(key, row);
    });
  }

  /** Committed rows, by key. */
  all(): readonly Row[] {
    return [...this.#rows].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row);
  }

  #place(key: string): string {
    return `${this.name} ${key}`;
  }
}
