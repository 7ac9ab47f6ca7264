/** The outbox of many a blog post. Fast, and its reader loses messages: numbers are drawn at insert, not at commit. */
export interface NaiveOutbox {
  /**
   * A row of the read model and a message, in one transaction.
   *
   * @param beforeCommit - what the transaction still does after it has drawn its number
   */
  commit(id: string, stream?: string, beforeCommit?: () => Promise<void>): Promise<void>;
  /** Its reader: the numbers after the last one seen, in order, at most a thousand. */
  after(last: string | undefined): Promise<readonly string[]>;
  count(): Promise<number>;
}

/** Everything that its reader sees, until `signal` aborts and nothing is left. */
export async function readNaively(outbox: NaiveOutbox, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  for (let last: string | undefined; ;) {
    const ending = signal.aborted;
    const found = await outbox.after(last);
    for (const number of found) seen.add(number);
    last = found.at(-1) ?? last;
    if (found.length === 0 && ending) return seen;
    if (found.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
