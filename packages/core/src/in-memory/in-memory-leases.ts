import type { AcquireOptions, LaneGrant, LaneLease, LaneLeases } from '../outbox/lane-lease.js';
import { laneKey } from './in-memory-place.js';
import type { InMemoryState, StoredLaneRow } from './in-memory-state.js';

export class InMemoryLeases implements LaneLeases {
  constructor(private readonly state: InMemoryState) {}

  laneCount(route: string): Promise<number> {
    return Promise.resolve([...this.state.lanes.values()].filter((lane) => lane.route === route).length);
  }

  acquire({ route, owner, leaseMs, most }: AcquireOptions): Promise<readonly LaneGrant[]> {
    const now = this.state.clock.now();
    const free = [...this.state.lanes.values()].filter((lane) => lane.route === route && (lane.released || lane.leaseUntil <= now));
    return Promise.resolve(
      free.slice(0, most).map((lane) => {
        const takenOver = !lane.released;
        if (takenOver) lane.progress = { ...lane.progress, suspects: lane.progress.suspects + 1 };
        Object.assign(lane, { owner, released: false, epoch: this.state.nextEpoch(), leaseUntil: new Date(now.getTime() + leaseMs) });
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
