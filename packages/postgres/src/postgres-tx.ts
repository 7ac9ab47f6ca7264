/**
 * The smallest handle that serves: a `pg.PoolClient` is one; so is three lines around any query builder's transaction.
 *
 * Waybill's statements use `$1` parameters, take and answer only text, and never look at more than `rows`.
 */
export interface PostgresTx {
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: readonly Row[] }>;
}

/** Lets your query builder's own transaction be `tx` everywhere: in `run`, in `join`, in projectors and handlers. */
export interface ForeignTransactions<Tx> {
  /** Opens a transaction, commits it when `work` resolves and rolls it back when it rejects. */
  run<Result>(work: (tx: Tx) => Promise<Result>): Promise<Result>;
  /** Waybill's statements run through this, inside the same transaction. */
  handle(tx: Tx): PostgresTx;
}
