/** A read model with a row, or document, of each stream, to which each event of the stream adds: what is handled twice shows. */
export interface OrderTotals<Tx> {
  add(stream: string, tx: Tx): Promise<unknown>;
  /** How many orders there are of each stream. */
  counts(): Promise<readonly number[]>;
  /** As it is written by hand: these events, one of each stream named, and the place behind them, in one transaction. */
  commitByHand(streams: readonly string[], place: bigint): Promise<void>;
  /** The place of the last such commit. */
  placeByHand(): Promise<bigint | undefined>;
}
