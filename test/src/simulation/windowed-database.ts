import { laneOf, selects } from '@waybill/core';
import type { Checkpoint, Clock, Database, DeliveryStatus, LaneLeases, LaneStore, OutboxStore, ReadOptions } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { overlay } from '../testing/broken-database.js';
import type { PlacedRow } from './placed-row.js';
import { storedStatus } from './stored-status.js';

/** Everything that commit `from` made visible is done; of what came up to `to`, the positions up to `position`. */
interface Window {
  readonly from: number;
  readonly to?: number;
  readonly position?: bigint;
}

export interface WindowedDatabase extends Database<InMemoryTx> {
  /** How many transactions have committed. */
  commits(): number;
  /** Whether a place lies behind the row. */
  hasPassed(checkpoint: Checkpoint, row: PlacedRow): boolean;
  /** The place that the lane's last settlement stored. */
  checkpointOf(route: string, lane: number): Checkpoint;
  /** Every row that was ever appended, by position. */
  readonly rows: readonly PlacedRow[];
}

export interface WindowedDatabaseOptions {
  readonly lanes: number;
  readonly clock: Clock;
  /** Planted bug: goes on behind the last position that it saw, as outboxes often do. */
  readonly readsWithoutWindow?: boolean;
  /** Planted bug: a settlement changes the lane whoever holds it. */
  readonly settlesWithoutEpoch?: boolean;
}

const BEGINNING = { from: 0 } as unknown as Checkpoint;

/** The in-memory database, but that rows are read as on PostgreSQL: by snapshot windows, late commits and all. */
export function windowedDatabase(options: WindowedDatabaseOptions): WindowedDatabase {
  const { lanes: laneCount, clock, readsWithoutWindow = false, settlesWithoutEpoch = false } = options;
  const real = new InMemoryDatabase({ lanes: laneCount, clock });
  const rows: PlacedRow[] = [];
  const checkpoints = new Map<string, Checkpoint>();
  const epochs = new Map<string, bigint>();
  let commits = 0;
  let lastPosition = 0n;

  const outbox = overlay<OutboxStore<InMemoryTx>>(real.outbox, {
    append: async (appends, tx) => {
      const appended = await real.outbox.append(appends, tx);
      const placed = appends.flatMap(({ stream, hash, messages }, nth) =>
        messages.map(({ aggregate: _origin, ...message }, offset): PlacedRow => {
          const revision = appended.firstRevisions[nth]! + BigInt(offset);
          const place = { lane: laneOf(hash, laneCount), position: ++lastPosition, recordedAt: clock.now(), commit: undefined };
          return { ...message, stream, revision, ...place };
        }),
      );
      rows.push(...placed);
      tx.onCommit(() => {
        commits++;
        for (const row of placed) row.commit = commits;
      });
      return appended;
    },
  });

  const hasPassed = (checkpoint: Checkpoint, { commit, position }: PlacedRow): boolean => {
    const { from, to, position: reached } = windowOf(checkpoint);
    if (readsWithoutWindow) return position <= (reached ?? 0n);
    if (commit === undefined) return false;
    return commit <= from || (to !== undefined && commit <= to && position <= (reached ?? 0n));
  };
  const readWindow = ({ route: _route, lane, order, selection, limit, after }: ReadOptions): Awaited<ReturnType<LaneStore['read']>> => {
    const { from, to = commits } = windowOf(after);
    const found = rows
      .filter((row) => row.commit !== undefined && (readsWithoutWindow || row.commit <= to) && !hasPassed(after, row))
      .filter((row) => (order === 'global' || row.lane === lane) && selects(selection, row))
      .slice(0, limit)
      .map((row) => ({ ...row, checkpoint: { from, to, position: row.position } as unknown as Checkpoint }));
    if (found.length === limit) return { rows: found, through: found.at(-1)!.checkpoint, more: true };
    if (readsWithoutWindow) return { rows: found, through: found.at(-1)?.checkpoint ?? after, more: false };
    return { rows: found, through: { from: to } as unknown as Checkpoint, more: windowOf(after).to !== undefined };
  };
  const lanes = overlay<LaneStore>(real.lanes, {
    read: async (asked) => {
      const page = readWindow(asked);
      const endOfOpenWindow = page.rows.length === 0 && page.more;
      return endOfOpenWindow ? readWindow({ ...asked, after: page.through }) : page;
    },
    readTail: async ({ stream, from, upTo, selection, limit }) =>
      rows
        .filter(
          (row) =>
            row.stream === stream && row.commit !== undefined && row.revision >= from && hasPassed(upTo, row) && selects(selection, row),
        )
        .slice(0, limit)
        .map((row) => ({ ...row, checkpoint: upTo })),
    settle: async (lease, settlement) => {
      const key = keyOf(lease.route, lease.lane);
      const epoch = settlesWithoutEpoch ? (epochs.get(key) ?? lease.epoch) : lease.epoch;
      await real.lanes.settle({ ...lease, epoch }, settlement);
      checkpoints.set(key, settlement.checkpoint);
    },
  });
  const leases = overlay<LaneLeases>(real.leases, {
    acquire: async (asked) => {
      const grants = await real.leases.acquire(asked);
      for (const { lease } of grants) epochs.set(keyOf(lease.route, lease.lane), lease.epoch);
      return grants;
    },
  });
  const checkpointOf = (route: string, lane: number): Checkpoint => checkpoints.get(keyOf(route, lane)) ?? BEGINNING;
  const status = overlay<DeliveryStatus>(real.status, storedStatus(real, { rows, hasPassed, checkpointOf }));
  const ports = { outbox, lanes, leases, status };
  return overlay<WindowedDatabase>(real as unknown as WindowedDatabase, {
    ...{ ...ports, rows, hasPassed, checkpointOf, commits: () => commits },
  });
}

const keyOf = (route: string, lane: number): string => `${route}/${lane}`;
const windowOf = (checkpoint: Checkpoint): Window => ({ from: 0, ...(checkpoint as unknown as Partial<Window>) });
