/** One stream as one sender sends it to one receiver. */
export interface ArrivalPlace {
  /** The receiver's durable name. */
  readonly receiver: string;
  /** Who sends it, and by which of its routes: each has an order of its own. */
  readonly source: string;
  readonly stream: string;
}

/** How far a stream has arrived. */
export interface LastArrival {
  /** The sender's revision of the last message that arrived in its order. */
  readonly revision: bigint;
  /** The highest lease epoch that a message of the stream came with; `undefined`: none told any. */
  readonly epoch: bigint | undefined;
}

/** Remembers the last message of each stream that a receiver took, so that it can prove that none is missing before the next. */
export interface ArrivalStore<Tx> {
  /** What was recorded last, by a commit or inside `tx`; `undefined` for a stream that never arrived. */
  last(place: ArrivalPlace, tx: Tx): Promise<LastArrival | undefined>;

  /**
   * Records an arrival inside `tx`. Neither revision nor epoch ever goes back, each by itself: of two transactions, whichever commits last.
   *
   * @param after - the last revision that the arrival follows, `none` where nothing arrived before. Default: whichever it is
   * @throws {@link TransactionConflictError} the last arrival is another one than `after` by now; or another transaction records the same stream,
   * where the database does not make this one wait
   */
  record(place: ArrivalPlace, arrival: LastArrival, tx: Tx, after?: bigint | 'none'): Promise<void>;
}
