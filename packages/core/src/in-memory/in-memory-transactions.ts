import { TransactionConflictError } from '../errors.js';
import type { TransactionRunner } from '../unit-of-work/transaction-runner.js';

/** Handle of an in-memory transaction. Projectors and handlers of yours write through {@link InMemoryTx.onCommit}. */
export class InMemoryTx {
  readonly #onCommit: (() => void)[] = [];
  /** Set by a failed write: the transaction can only roll back. */
  doomed: Error | undefined;
  /** What later steps of the transaction see of its own writes, by adapter. */
  readonly own = new Map<string, unknown>();

  constructor(readonly id: number) {}

  /** Does `act` when, and only if, the transaction commits. It must not throw. */
  onCommit(act: () => void): void {
    this.#onCommit.push(act);
  }

  commit(): void {
    for (const act of this.#onCommit) act();
  }
}

interface Lock {
  readonly holder: InMemoryTx;
  readonly released: Promise<void>;
  readonly release: () => void;
}

/** Transactions that lock by key until they end, as a database locks rows. */
export class InMemoryTransactions implements TransactionRunner<InMemoryTx> {
  readonly #locks = new Map<string, Lock>();
  readonly #waitingFor = new Map<InMemoryTx, InMemoryTx>();
  readonly #committed = new Set<number>();
  readonly #active = new Map<number, Promise<void>>();
  #lastId = 0;

  async run<Result>(work: (tx: InMemoryTx) => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    signal?.throwIfAborted();
    const tx = new InMemoryTx(++this.#lastId);
    let ended = (): void => {};
    this.#active.set(tx.id, new Promise<void>((resolve) => (ended = resolve)));
    try {
      const result = await work(tx);
      signal?.throwIfAborted();
      if (tx.doomed) throw tx.doomed;
      tx.commit();
      this.#committed.add(tx.id);
      return result;
    } finally {
      this.#active.delete(tx.id);
      this.#releaseAll(tx);
      ended();
    }
  }

  async outcome(transactionId: string, signal?: AbortSignal): Promise<'committed' | 'rolled-back' | 'unknown'> {
    const id = Number(transactionId);
    await Promise.race([this.#active.get(id), abortOf(signal)]);
    if (this.#active.has(id)) return 'unknown';
    return this.#committed.has(id) ? 'committed' : 'rolled-back';
  }

  /**
   * Waits until nobody else holds the key, and holds it until the transaction ends.
   *
   * @throws {@link TransactionConflictError} two transactions wait for each other
   */
  async lock(key: string, tx: InMemoryTx): Promise<void> {
    for (let lock = this.#locks.get(key); lock && lock.holder !== tx; lock = this.#locks.get(key)) {
      for (let holder: InMemoryTx | undefined = lock.holder; holder; holder = this.#waitingFor.get(holder)) {
        if (holder === tx) throw new TransactionConflictError(`deadlock on "${key}"`);
      }
      this.#waitingFor.set(tx, lock.holder);
      await lock.released;
      this.#waitingFor.delete(tx);
    }
    if (this.#locks.has(key)) return;
    let release = (): void => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    this.#locks.set(key, { holder: tx, released, release });
  }

  #releaseAll(tx: InMemoryTx): void {
    for (const [key, lock] of this.#locks) {
      if (lock.holder !== tx) continue;
      this.#locks.delete(key);
      lock.release();
    }
  }
}

/** Resolves when the signal aborts; never without one. */
function abortOf(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}
