import type { LaneProgress } from './lane-progress.js';

/** The right to run a lane, held by one process until `expiresAt`. */
export interface LaneLease {
  readonly route: string;
  readonly lane: number;
  /** Grows with every change of holder; every write of a holder is fenced by it. */
  readonly epoch: bigint;
  /** By the database's clock. Holders count their own deadline from before they asked. */
  readonly expiresAt: Date;
}

export interface LaneGrant {
  readonly lease: LaneLease;
  readonly progress: LaneProgress;
  /** True when the last holder did not release: it was killed, cut off, or is frozen. */
  readonly takenOver: boolean;
}

export interface AcquireOptions {
  readonly route: string;
  /** Name of the dispatcher instance. */
  readonly owner: string;
  readonly leaseMs: number;
  /** Take at most this many lanes. */
  readonly most: number;
}

/** Gives each lane of a route to at most one holder at a time, by the database's clock. */
export interface LaneLeases {
  /** How many lanes a route has, held or not; 0 for a route that is not known. */
  laneCount(route: string): Promise<number>;

  /**
   * Takes lanes that nobody holds: never held, released, or expired. Of an expired one the holder may have been killed by a message: its
   * `suspects` grow by one. Answers only those taken by this call; several callers share them out.
   */
  acquire(options: AcquireOptions): Promise<readonly LaneGrant[]>;

  /** Prolongs leases in one write. Those that are missing in the answer belong to somebody else by now. */
  renew(leases: readonly LaneLease[], leaseMs: number): Promise<readonly LaneLease[]>;

  /** Gives leases back, so that the next `acquire` need not wait for them to expire. A lease that was lost is left alone. */
  release(leases: readonly LaneLease[]): Promise<void>;
}
