export interface RemoveOptions {
  /** Only what is older than this, by the database's clock. */
  readonly olderThanMs: number;
  /** Most rows to remove in this call, 1 to 100,000. A call is one short transaction: no writer waits for it. */
  readonly most: number;
}

/** Takes away what nobody needs any more. */
export interface Retention {
  /**
   * Removes messages that every route that was not retired has passed, and that no stopped stream still waits with; of each stream from
   * the front only, so that what is left has no hole. Without a route nothing is removed: there is no proof. Heads of streams stay.
   *
   * @returns how many were removed; fewer than `most` when no more can go now
   */
  removeMessages(options: RemoveOptions): Promise<number>;

  /** @returns how many lines of the delivery history were removed */
  removeHistory(options: RemoveOptions): Promise<number>;

  /**
   * Removes claims of the inbox that nothing can ask for again. By proof: those that were made under a lane ({@link InboxClaim.lane}) of this
   * database, as soon as the outbox has no message of that id any more, and not before, however old they are. By age: all others, when their
   * first attempt is older than `olderThanMs` (`Infinity`: none of them), by the database's clock; after that a message that comes once more is handled once more.
   *
   * @returns how many were removed; fewer than `most` when no more can go now
   */
  removeClaims(options: RemoveOptions): Promise<number>;
}
