import type { Document, Long } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { Ending } from '../store/ending.js';
import type { Store } from '../store/store.js';
import type { Tick } from '../store/cluster-time.js';
import { WriteSet } from '../store/write-set.js';

export interface TransactionOptions {
  readonly store: Store;
  readonly lsid: Document;
  readonly txnNumber: Long;
  readonly lifetimeMs: number;
  /** The snapshot. */
  readonly at: Tick;
}

/**
 * A transaction, from its first command on: that is when its snapshot is taken. Open until it is committed, or aborted: by its client, by a
 * command that fails, by a newer transaction of its session, or when its time is up. Then nothing changes it any more.
 */
export class Transaction {
  readonly writes: WriteSet;
  /** When it is over, however it ended: its cursors are closed then. */
  readonly ending = new Ending();
  #state: 'open' | 'committed' | 'aborted' = 'open';
  #committedAt: Tick | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly options: TransactionOptions) {
    const { store, lifetimeMs, at } = options;
    this.writes = new WriteSet(at);
    store.history.open(this.writes.at);
    this.#timer = setTimeout(() => this.abort(), lifetimeMs).unref();
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Commits, or answers that it was committed already. */
  commit(): void {
    this.checkNotAborted();
    if (!this.isOpen) return;
    const { store, lsid, txnNumber } = this.options;
    this.#committedAt = store.commit(this.writes, { lsid, txnNumber });
    this.#end('committed');
  }

  /** Does nothing if it is over. */
  abort(): void {
    if (!this.isOpen) return;
    this.options.store.abort(this.writes);
    this.#end('aborted');
  }

  /** A fall-back has undone what was committed after this time. */
  fallBackTo(to: Tick): void {
    if (this.#committedAt !== undefined && this.#committedAt > to) this.#state = 'aborted';
  }

  /** @throws ServerError 251 or 256 */
  checkOpen(): void {
    this.checkNotAborted();
    if (this.isOpen) return;
    throw new ServerError(CODES.TransactionCommitted, `Transaction with { txnNumber: ${this.#number} } has been committed.`);
  }

  /** @throws ServerError 251 */
  checkNotAborted(): void {
    if (this.#state !== 'aborted') return;
    throw new ServerError(CODES.NoSuchTransaction, `Transaction with { txnNumber: ${this.#number} } has been aborted.`);
  }

  get #number(): string {
    return String(this.options.txnNumber);
  }

  #end(state: 'committed' | 'aborted'): void {
    this.#state = state;
    clearTimeout(this.#timer);
    this.options.store.history.close(this.writes.at);
    this.ending.conclude();
  }
}
