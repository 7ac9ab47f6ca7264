import type { Checkpoint } from '@waybill/core';

/**
 * A lane's place, as snapshot windows know it (the idea is PgQ's).
 *
 * Everything visible in `from` is done. While `to` is set, a window is open: the rows visible in `to` and not in `from`, by position, of
 * which those up to `position` are done. Identity values are taken at insert, not at commit, so no single number could say this.
 */
export interface SnapshotWindow {
  /** `pg_snapshot` as text. */
  readonly from: string;
  /** Positions of rows that are not visible in `from` lie above, but for those of transactions that had begun by then. */
  readonly floor: string;
  /** Transactions from this id on had not begun when `from` was taken. */
  readonly ceiling: string;
  readonly to?: string | undefined;
  readonly toFloor?: string | undefined;
  readonly toCeiling?: string | undefined;
  readonly position?: string | undefined;
  /** The server's life in which this place was looked up. After a crash ids are given again that a snapshot held for past. */
  readonly incarnation?: string | undefined;
  /** The sequence's last value at the look that led here: the next window's floor, for it was read before that window is taken. */
  readonly seen: string;
}

/** Before the first row: no transaction is visible. */
export const BEGINNING: SnapshotWindow = { from: '1:1:', floor: '0', ceiling: '0', seen: '0' };

export const windowOf = (checkpoint: Checkpoint): SnapshotWindow => checkpoint as unknown as SnapshotWindow;
export const checkpointOf = (window: SnapshotWindow): Checkpoint => window as unknown as Checkpoint;

// A snapshot's xmax is the id after the last transaction that has ended: those that have begun after that one and are still in progress
// are in no list of it. age() counts from an id to the next that will be given, as the server knows it after the snapshot was taken.
const XMAX = 'pg_snapshot_xmax(pg_current_snapshot())';
/** SQL: the ceiling of the statement's own snapshot. */
export const CEILING = `(${XMAX}::text::bigint + age(${XMAX}::xid))::text::xid8`;
