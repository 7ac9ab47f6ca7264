import { overlay } from '../broken-database.js';
import type { Defect } from './defect.js';

/** Appends and transactions that are not what they say. */
export const outboxDefects: readonly Defect[] = [
  {
    defect: 'expects nothing of a stream',
    plant: (real) => ({
      outbox: overlay(real.outbox, {
        append: (appends, tx) =>
          real.outbox.append(
            appends.map((append) => ({ ...append, expected: 'any' as const, adopt: false })),
            tx,
          ),
      }),
    }),
    noticedBy: 'is found for a stream that has moved on, and says what was expected and what is',
  },
  {
    defect: 'adopts what has a head already',
    plant: (real) => ({
      outbox: overlay(real.outbox, {
        append: (appends, tx) =>
          real.outbox.append(
            appends.map((append) => (append.adopt ? { ...append, expected: 'any' as const, adopt: false } : append)),
            tx,
          ),
      }),
    }),
    noticedBy: 'is refused for a stream that has a head by now, also at the very revision',
  },
  {
    defect: 'commits after a conflict',
    plant: (real) => ({
      outbox: overlay(real.outbox, { append: (appends, tx) => real.outbox.append(appends, tx).finally(() => (tx.doomed = undefined)) }),
    }),
    noticedBy: 'lets the transaction not commit, even when the error is swallowed',
  },
  {
    defect: 'normalises payloads',
    plant: (real) => ({
      outbox: overlay(real.outbox, {
        append: (appends, tx) =>
          real.outbox.append(
            appends.map((append) => ({
              ...append,
              messages: append.messages.map((message) => ({ ...message, payload: JSON.stringify(JSON.parse(message.payload)) })),
            })),
            tx,
          ),
      }),
    }),
    noticedBy: 'keeps every field of a message as it was',
  },
  {
    defect: 'folds the case of stream names',
    plant: (real) => ({
      outbox: overlay(real.outbox, {
        append: (appends, tx) =>
          real.outbox.append(
            appends.map((append) => ({ ...append, stream: append.stream.toLowerCase() })),
            tx,
          ),
        headAndTail: (stream, from, tx) => real.outbox.headAndTail(stream.toLowerCase(), from, tx),
      }),
    }),
    noticedBy: 'keeps streams apart whose names differ in case',
  },
  {
    defect: 'does not know what became of a transaction',
    plant: (real) => ({ transactions: overlay(real.transactions, { outcome: async () => 'unknown' }) }),
    noticedBy: 'is "committed" for what was committed',
  },
  {
    defect: 'wraps the errors of the work',
    plant: (real) => ({
      transactions: overlay(real.transactions, {
        run: (work, signal) =>
          real.transactions.run(work, signal).catch((cause: unknown) => Promise.reject(new Error('rolled back', { cause }))),
      }),
    }),
    noticedBy: 'rolls back when the work rejects, and rejects with the very same error',
  },
  {
    defect: 'commits when it was aborted',
    plant: (real) => ({
      transactions: overlay(real.transactions, {
        run: async (work, signal) => (await real.transactions.run(work), signal?.throwIfAborted()) as never,
      }),
    }),
    noticedBy: 'rolls back when the signal aborts during the work',
  },
];
