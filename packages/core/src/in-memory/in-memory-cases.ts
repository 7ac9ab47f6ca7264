import type { CaseQuery, CaseStore, OpenCase, RecordedCase } from '../case/case-store.js';
import type { Clock } from '../clock.js';
import type { InMemoryTransactions, InMemoryTx } from './in-memory-transactions.js';

/** Cases in the order in which they were opened; one that is opened or closed is locked until its transaction ends. */
export class InMemoryCases implements CaseStore<InMemoryTx> {
  readonly #cases = new Map<string, RecordedCase>();

  constructor(
    private readonly clock: Clock,
    private readonly transactions: InMemoryTransactions,
  ) {}

  async open(toOpen: OpenCase, tx: InMemoryTx): Promise<void> {
    if (await this.#locked(toOpen.id, tx)) return;
    this.#write({ ...toOpen, openedAt: this.clock.now(), closed: undefined }, tx);
  }

  find({ id, state, kind, of, most }: CaseQuery): Promise<readonly RecordedCase[]> {
    const found = [...this.#cases.values()].filter(
      (one) =>
        (id === undefined || id === one.id) &&
        (state === undefined || (state === 'closed') === (one.closed !== undefined)) &&
        (kind === undefined || kind === one.kind) &&
        (of === undefined || of === one.of),
    );
    return Promise.resolve(found.sort((one, other) => one.openedAt.getTime() - other.openedAt.getTime()).slice(0, most));
  }

  async close(id: string, closing: { readonly by: string; readonly reason: string }, tx: InMemoryTx): Promise<boolean> {
    const open = await this.#locked(id, tx);
    if (!open || open.closed) return false;
    this.#write({ ...open, closed: { ...closing, at: this.clock.now() } }, tx);
    return true;
  }

  async #locked(id: string, tx: InMemoryTx): Promise<RecordedCase | undefined> {
    await this.transactions.lock(`case ${id}`, tx);
    return (tx.own.get(`case ${id}`) as RecordedCase | undefined) ?? this.#cases.get(id);
  }

  #write(recorded: RecordedCase, tx: InMemoryTx): void {
    tx.own.set(`case ${recorded.id}`, recorded);
    tx.onCommit(() => this.#cases.set(recorded.id, recorded));
  }
}
