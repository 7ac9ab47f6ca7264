/** Remembers the outcome of requests by key, in the transaction that carried them out. */
export interface IdempotencyStore<Tx> {
  /**
   * Takes the key inside `tx`. A concurrent taker of the same key waits until the first has ended.
   *
   * @returns `undefined` when the key is new and taken now; otherwise the outcome that the first taker recorded
   */
  claim(key: string, tx: Tx): Promise<string | undefined>;

  /** Records the outcome (JSON text) of a key that `tx` has claimed. */
  record(key: string, outcome: string, tx: Tx): Promise<void>;
}
