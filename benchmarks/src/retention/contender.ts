/** A way to remove rows that are old and delivered. */
export interface Contender {
  readonly name: string;
  /** Makes the table, and fills it with so many rows: two fifths three days old, two fifths two days, the rest new; all delivered. */
  fill(rows: number): Promise<void>;
  /** Commits one message. */
  commit(): Promise<void>;
  /** Removes what is older than so many days, until it is done or told to give up. */
  remove(days: number, signal: AbortSignal): Promise<{ readonly rows: number; readonly done: boolean }>;
  /** Of the table with its indexes, in MB. */
  size(): Promise<number>;
  /** What autovacuum does later by itself. */
  vacuum(): Promise<void>;
  /** Inserts as many rows as two fifths, as the next days would. */
  refill(rows: number): Promise<void>;
  /** Opens a transaction that has read the table, and leaves it open. */
  idle(): Promise<() => Promise<void>>;
}
