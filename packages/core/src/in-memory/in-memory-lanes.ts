import { LeaseLostError } from '../errors.js';
import type { AcquireOptions, LaneGrant, LaneLease, LaneLeases } from '../outbox/lane-lease.js';
import type { LanePage, LaneStore, ReadOptions, Settlement } from '../outbox/lane-store.js';
import type { Checkpoint } from '../outbox/outbox-row.js';
import { selects } from '../outbox/selects.js';
import type { CommittedRow, InMemoryState, StoredLaneRow } from './in-memory-state.js';

/** An in-memory lane's place: how many rows of its log it has passed. */
export const checkpointAt = (passed: number): Checkpoint => ({ passed }) as unknown as Checkpoint;
export const passedOf = (checkpoint: Checkpoint): number => (checkpoint as unknown as { readonly passed: number }).passed;
export const laneKey = (route: string, lane: number): string => JSON.stringify([route, lane]);

/** Lanes read from the log of committed rows: commit order is both per-stream and causal order. */
export class InMemoryLanes implements LaneStore {
  constructor(private readonly state: InMemoryState) {}

  read({ lane, order, selection, after, limit }: ReadOptions): Promise<LanePage> {
    const log = order === 'global' ? this.state.rows : this.state.rowsByLane[lane]!;
    const place = (row: CommittedRow): number => (order === 'global' ? row.index : row.laneIndex) + 1;
    const rows: CommittedRow[] = [];
    let passed = passedOf(after);
    for (; passed < log.length && rows.length < limit; passed++) {
      if (selects(selection, log[passed]!)) rows.push(log[passed]!);
    }
    return Promise.resolve({
      rows: rows.map((row) => ({ ...row, checkpoint: checkpointAt(place(row)) })),
      through: checkpointAt(passed),
      more: passed < log.length,
    });
  }

  async settle({ route, lane, epoch }: LaneLease, { executed = [], ...progress }: Settlement): Promise<void> {
    const row = this.state.lanes.get(laneKey(route, lane));
    if (row?.epoch !== epoch) throw new LeaseLostError(route, lane, epoch);
    row.progress = progress;
    for (const action of this.state.actions) {
      const outcome = executed.find(({ id }) => id === action.id);
      if (outcome) action.executed = outcome;
    }
  }
}

export class InMemoryLeases implements LaneLeases {
  constructor(private readonly state: InMemoryState) {}

  acquire({ route, owner, leaseMs, most }: AcquireOptions): Promise<readonly LaneGrant[]> {
    const now = this.state.clock.now();
    const free = [...this.state.lanes.values()].filter((lane) => lane.route === route && (lane.released || lane.leaseUntil <= now));
    return Promise.resolve(
      free.slice(0, most).map((lane) => {
        const takenOver = !lane.released;
        Object.assign(lane, { owner, released: false, epoch: lane.epoch + 1n, leaseUntil: new Date(now.getTime() + leaseMs) });
        return { lease: leaseOf(lane), progress: lane.progress, takenOver };
      }),
    );
  }

  renew(leases: readonly LaneLease[], leaseMs: number): Promise<readonly LaneLease[]> {
    const until = new Date(this.state.clock.now().getTime() + leaseMs);
    return Promise.resolve(
      this.#held(leases).map((lane) => {
        lane.leaseUntil = until;
        return leaseOf(lane);
      }),
    );
  }

  release(leases: readonly LaneLease[]): Promise<void> {
    for (const lane of this.#held(leases)) Object.assign(lane, { owner: undefined, released: true });
    return Promise.resolve();
  }

  #held(leases: readonly LaneLease[]): readonly StoredLaneRow[] {
    return leases.flatMap(({ route, lane, epoch }) => {
      const row = this.state.lanes.get(laneKey(route, lane));
      return row?.epoch === epoch && !row.released ? [row] : [];
    });
  }
}

const leaseOf = ({ route, lane, epoch, leaseUntil }: StoredLaneRow): LaneLease => ({ route, lane, epoch, expiresAt: leaseUntil });
