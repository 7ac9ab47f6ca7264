import { ConcurrencyError } from '../errors.js';
import { SKIPPED_TYPE } from '../message/stored-message.js';
import type { StoredMessage } from '../message/stored-message.js';
import type { Appended, HeadAndTail, OutboxStore, StreamAppend } from '../outbox/outbox-store.js';
import { laneOf } from '../outbox/stream-hash.js';
import type { InMemoryState } from './in-memory-state.js';
import type { InMemoryTransactions, InMemoryTx } from './in-memory-transactions.js';

/** Appends under a lock per stream: a second transaction on the same stream waits for the first. */
export class InMemoryOutbox implements OutboxStore<InMemoryTx> {
  constructor(
    private readonly state: InMemoryState,
    private readonly transactions: InMemoryTransactions,
  ) {}

  async append(appends: readonly StreamAppend[], tx: InMemoryTx): Promise<Appended> {
    // In name order, so that two transactions with the same streams cannot wait for each other.
    for (const stream of appends.map((append) => append.stream).sort()) await this.transactions.lock(`stream ${stream}`, tx);
    for (const append of appends) this.#check(append, tx);

    const firstRevisions = appends.map(({ stream, expected, hash, messages }) => {
      const first = expected === 'any' ? (this.#head(stream, tx) ?? -1n) + 1n : expected === 'no-stream' ? 0n : expected + 1n;
      const rows = messages.map(({ aggregate: _origin, ...message }, offset) => ({ ...message, stream, revision: first + BigInt(offset) }));
      const head = first + BigInt(rows.length) - 1n;
      tx.own.set(`head ${stream}`, head);
      tx.own.set(`rows ${stream}`, [...ownRows(stream, tx), ...rows]);
      tx.onCommit(() => {
        this.state.heads.set(stream, head);
        for (const row of rows) this.state.insert(row, laneOf(hash, this.state.laneCount));
      });
      return first;
    });
    return { transactionId: String(tx.id), firstRevisions };
  }

  headAndTail(stream: string, from: bigint, tx: InMemoryTx): Promise<HeadAndTail> {
    const committed = (this.state.rowsByStream.get(stream) ?? []).map((row) =>
      this.state.placeholders.has(row.id) ? { ...row, type: SKIPPED_TYPE } : row,
    );
    const rows: readonly StoredMessage[] = [...committed, ...ownRows(stream, tx)];
    return Promise.resolve({ head: this.#head(stream, tx), tail: rows.filter(({ revision }) => revision >= from) });
  }

  #head(stream: string, tx: InMemoryTx): bigint | undefined {
    return (tx.own.get(`head ${stream}`) as bigint | undefined) ?? this.state.heads.get(stream);
  }

  #check({ stream, expected, adopt }: StreamAppend, tx: InMemoryTx): void {
    const head = this.#head(stream, tx);
    const fits = expected === 'any' || (expected === 'no-stream' || adopt ? head === undefined : head === expected);
    if (fits) return;
    tx.doomed = new ConcurrencyError(stream, typeof expected === 'bigint' ? expected : undefined, head);
    throw tx.doomed;
  }
}

const ownRows = (stream: string, tx: InMemoryTx): readonly StoredMessage[] =>
  (tx.own.get(`rows ${stream}`) as readonly StoredMessage[] | undefined) ?? [];
