import { laneOf, selects } from '@waybill/core';
import type { Checkpoint, Database, LaneStore, OutboxRow, OutboxStore, TransactionRunner } from '@waybill/core';
import type { InMemoryDatabase, InMemoryTx } from '@waybill/core/in-memory';
import { overlay } from './broken-database.js';

interface PlacedRow extends OutboxRow {
  readonly transaction: number;
  readonly hash: number;
}

const LANES = 16;

/**
 * The outbox as it is often written: positions are taken at the append, rows appear at the commit, and a reader goes on
 * behind the last one that it saw. Two ways to order them, both wrong.
 */
export function naiveReading(order: 'by position' | 'by transaction') {
  return (real: InMemoryDatabase): Partial<Database<InMemoryTx>> => {
    const committed: PlacedRow[] = [];
    const open = new Set<number>();
    let lastPosition = 0n;

    const outbox = overlay<OutboxStore<InMemoryTx>>(real.outbox, {
      append: async (appends, tx) => {
        const appended = await real.outbox.append(appends, tx);
        for (const [index, { stream, hash, messages }] of appends.entries()) {
          for (const [offset, message] of messages.entries()) {
            const revision = appended.firstRevisions[index]! + BigInt(offset);
            const position = ++lastPosition;
            const row = { ...message, stream, hash, revision, position, transaction: tx.id, recordedAt: new Date() };
            tx.onCommit(() => committed.push({ ...row, checkpoint: placeOf(row) }));
          }
        }
        return appended;
      },
    });
    const transactions = overlay<TransactionRunner<InMemoryTx>>(real.transactions, {
      run: (work, signal) => {
        let id = 0;
        const remembering = (tx: InMemoryTx) => (open.add((id = tx.id)), work(tx));
        return real.transactions.run(remembering, signal).finally(() => open.delete(id));
      },
    });
    const placeOf = ({ transaction, position }: Pick<PlacedRow, 'transaction' | 'position'>): Checkpoint =>
      ({ place: order === 'by position' ? [position] : [BigInt(transaction), position] }) as unknown as Checkpoint;
    const lanes = overlay<LaneStore>(real.lanes, {
      read: async ({ after, selection, lane, order: routeOrder, limit }) => {
        const oldestOpen = Math.min(...open, Infinity);
        const rows = committed
          .filter((row) => (routeOrder === 'global' || laneOf(row.hash, LANES) === lane) && selects(selection, row))
          .filter((row) => order === 'by position' || row.transaction < oldestOpen)
          .filter((row) => compare(row.checkpoint, after) > 0)
          .sort((a, b) => compare(a.checkpoint, b.checkpoint))
          .slice(0, limit);
        return { rows, through: rows.at(-1)?.checkpoint ?? after, more: rows.length === limit };
      },
    });
    return { outbox, transactions, lanes };
  };
}

function compare(a: Checkpoint, b: Checkpoint): number {
  const [one, other] = [a, b].map((checkpoint) => (checkpoint as unknown as { place?: readonly bigint[] }).place ?? [0n]) as [
    bigint[],
    bigint[],
  ];
  for (const [nth, part] of one.entries()) if (part !== (other[nth] ?? 0n)) return part < (other[nth] ?? 0n) ? -1 : 1;
  return 0;
}
