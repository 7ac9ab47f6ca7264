/** Runs work in one database transaction. */
export interface TransactionRunner<Tx> {
  /**
   * Commits when `work` resolves, rolls back when it rejects or `signal` aborts before the commit was sent. `work` may run more than
   * once; only the last run is committed.
   *
   * @throws what `work` throws, unchanged
   * @throws {@link TransactionConflictError} the database chose another transaction (deadlock, serialization)
   * @throws {@link TransactionRolledBackError} a statement failed and `work` swallowed its error
   * @throws {@link DatabaseUnavailableError} no connection, or it was lost before the commit was sent; nothing is committed
   * @throws {@link CommitOutcomeUnknownError} the connection was lost while committing: ask {@link TransactionRunner.outcome}
   */
  run<Result>(work: (tx: Tx) => Promise<Result>, signal?: AbortSignal): Promise<Result>;

  /**
   * Called with a transaction that somebody else has opened, before any work in it. Absent where the adapter cannot tell.
   *
   * @throws {@link InvalidOptionsError} it is not open, so that nothing written in it would be together
   */
  checkOpen?(tx: Tx): void;

  /**
   * Finds out what became of a transaction, by the id that {@link OutboxStore.append} gave. Waits while it is still in progress;
   * `unknown` when the database has forgotten it, is away for too long, or `signal` aborts.
   */
  outcome(transactionId: string, signal?: AbortSignal): Promise<'committed' | 'rolled-back' | 'unknown'>;
}
