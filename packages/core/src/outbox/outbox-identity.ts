/** What the outbox says of itself, to be compared with what a witness outside the database has seen of it. */
export interface Mark {
  /** Of this outbox; a restored or copied one keeps it until it is adopted. */
  readonly outboxId: string;
  /** Grows by one with each mark; 0 in a new outbox. */
  readonly number: bigint;
  /** Random: two copies of an outbox that go on side by side do not make the same mark. */
  readonly nonce: string;
}

/** Keeps the outbox's last mark, where a restore takes it back together with everything else. */
export interface OutboxIdentity {
  mark(): Promise<Mark>;

  /**
   * Replaces the last mark.
   *
   * @returns false when `from` is not the last mark any more: nothing was changed
   */
  advance(from: Mark, to: Mark): Promise<boolean>;
}
