/** One handler's mark on one message. */
export interface InboxClaim {
  /** The handler's durable name. */
  readonly handler: string;
  /** The message's id; of one that arrived from elsewhere with its source behind it. */
  readonly messageId: string;
  /** Route or subscription it came by. */
  readonly source: string;
  /** When its delivery was first tried. Purging counts from here. */
  readonly firstAttemptAt: Date;
  /**
   * The lane that a message of our own came by, and the epoch of its lease: a process that has lost the lane claims nothing more. Where the
   * store does not know the route (its lanes are in another database) it is of no account.
   */
  readonly lane?: { readonly route: string; readonly lane: number; readonly epoch: bigint };
}

/** Remembers (handler, message id) in the transaction of the handler's effects. */
export interface InboxStore<Tx> {
  /**
   * Claims inside `tx`. A concurrent claim of the same pair waits until the first has ended; a rolled-back claim leaves the pair free.
   *
   * @returns false when the pair was claimed before: the message is a duplicate
   * @throws {@link LeaseLostError} the claim names a lane of this database that has another epoch by now; nothing was claimed
   */
  claim(claim: InboxClaim, tx: Tx): Promise<boolean>;

  /**
   * True when a committed claim exists, or one of `tx`. Without `tx` it is a look ahead, so that a call to the outside is not made for nothing;
   * within a transaction pass it: a second connection may not be had before the first is given back.
   */
  claimed(handler: string, messageId: string, tx?: NoInfer<Tx>): Promise<boolean>;
}
