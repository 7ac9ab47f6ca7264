import type { OutboxRow, StreamAppend } from '@waybill/core';

/** What came of a race. In a correct adapter everything below `delivered` is 0. */
export interface RaceResult {
  /** Messages whose commit was confirmed. */
  readonly committed: number;
  /** Messages that the reader got, each counted once. */
  readonly delivered: number;
  /** Committed and never delivered. */
  readonly lost: number;
  /** Delivered behind a later message of their stream. */
  readonly inversions: number;
  /** Delivered while an earlier message of their stream was not. */
  readonly gaps: number;
  /** Delivered again. */
  readonly duplicates: number;
  /** Delivered, and never committed. */
  readonly phantoms: number;
  /** With `order: 'global'`: delivered behind a message of a transaction that began after this one had committed. */
  readonly causalInversions: number;
}

interface Committed {
  readonly begin: number;
  readonly end: number;
}

/** Notes what was committed and what was delivered, and compares them at the end. */
export class RaceLog {
  readonly #committed = new Map<string, Committed>();
  readonly #delivered: OutboxRow[] = [];
  #ticks = 0;

  constructor(private readonly order: 'stream' | 'global') {}

  get committed(): number {
    return this.#committed.size;
  }

  /** Notes that a transaction is about to begin; call what it returns once its commit is confirmed. */
  begin(): (appends: readonly StreamAppend[], firstRevisions: readonly bigint[]) => void {
    const begin = ++this.#ticks;
    return (appends, firstRevisions) => {
      const end = ++this.#ticks;
      for (const [index, { stream, messages }] of appends.entries()) {
        for (const [offset, { id }] of messages.entries()) {
          this.#committed.set(keyOf({ id, stream, revision: firstRevisions[index]! + BigInt(offset) }), { begin, end });
        }
      }
    };
  }

  delivered(rows: readonly OutboxRow[]): void {
    this.#delivered.push(...rows);
  }

  result(): RaceResult {
    const seen = new Set<string>();
    const heads = new Map<string, bigint>();
    let [inversions, gaps, duplicates, phantoms, causalInversions, latestBegin] = [0, 0, 0, 0, 0, 0];
    for (const row of this.#delivered) {
      const key = keyOf(row);
      if (seen.has(key)) {
        duplicates++;
        continue;
      }
      seen.add(key);
      const head = heads.get(row.stream) ?? -1n;
      if (row.revision <= head) inversions++;
      else heads.set(row.stream, row.revision);
      if (row.revision > head + 1n) gaps++;
      const transaction = this.#committed.get(key);
      if (!transaction) phantoms++;
      else if (this.order === 'global' && transaction.end < latestBegin) causalInversions++;
      latestBegin = Math.max(latestBegin, transaction?.begin ?? 0);
    }
    const lost = [...this.#committed.keys()].filter((key) => !seen.has(key)).length;
    return { committed: this.committed, delivered: seen.size, lost, inversions, gaps, duplicates, phantoms, causalInversions };
  }
}

const keyOf = ({ id, stream, revision }: { readonly id: string; readonly stream: string; readonly revision: bigint }): string =>
  `${stream}@${revision} ${id}`;
