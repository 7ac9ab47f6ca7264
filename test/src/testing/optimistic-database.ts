import { ConcurrencyError, TransactionConflictError } from '@waybill/core';
import type { Database, OutboxStore, StreamAppend, TransactionRunner } from '@waybill/core';
import type { InMemoryDatabase, InMemoryTx } from '@waybill/core/in-memory';
import { overlay } from './broken-database.js';

/** A whole database whose writers never wait: two may append to one stream, and the second to commit is refused. */
export function optimistic(real: InMemoryDatabase): Partial<Database<InMemoryTx>> {
  const staged = new WeakMap<InMemoryTx, StreamAppend[]>();
  const stagedIn = (tx: InMemoryTx): StreamAppend[] => staged.get(tx) ?? [];
  const ownRows = (stream: string, tx: InMemoryTx) =>
    stagedIn(tx).flatMap((append) => {
      const first = append.expected === 'no-stream' ? 0n : (append.expected as bigint) + 1n;
      return append.stream !== stream ? [] : append.messages.map((message, nth) => ({ ...message, stream, revision: first + BigInt(nth) }));
    });

  const outbox = overlay<OutboxStore<InMemoryTx>>(real.outbox, {
    append: async (appends, tx) => {
      const placed: StreamAppend[] = [];
      for (const append of appends) {
        const { head } = await outbox.headAndTail(append.stream, 0n, tx);
        const { expected, adopt } = append;
        const fits = expected === 'any' || (expected === 'no-stream' || adopt ? head === undefined : head === expected);
        if (!fits) throw (tx.doomed = new ConcurrencyError(append.stream, typeof expected === 'bigint' ? expected : undefined, head));
        placed.push({ ...append, expected: adopt ? expected : (head ?? 'no-stream') });
      }
      staged.set(tx, [...stagedIn(tx), ...placed]);
      const firstRevisions = placed.map(({ expected }) => (expected === 'no-stream' ? 0n : (expected as bigint) + 1n));
      return { transactionId: String(tx.id), firstRevisions };
    },
    headAndTail: async (stream, from, tx) => {
      const { head, tail } = await real.outbox.headAndTail(stream, 0n, tx);
      const rows = [...tail, ...ownRows(stream, tx)];
      return { head: ownRows(stream, tx).at(-1)?.revision ?? head, tail: rows.filter(({ revision }) => revision >= from) };
    },
  });

  const transactions = overlay<TransactionRunner<InMemoryTx>>(real.transactions, {
    run: (work, signal) =>
      real.transactions.run(async (tx) => {
        const result = await work(tx);
        if (tx.doomed) throw tx.doomed;
        // As one append in name order, so that commits cannot wait for each other in a circle.
        for (const append of stagedIn(tx).sort((a, b) => (a.stream < b.stream ? -1 : 1))) {
          await real.outbox.append([append], tx).catch((cause: unknown) => {
            throw new TransactionConflictError('another one was faster', { cause });
          });
        }
        return result;
      }, signal),
  });
  return { outbox, transactions };
}
