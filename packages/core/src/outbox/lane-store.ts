import type { LaneLease } from './lane-lease.js';
import type { LaneProgress } from './lane-progress.js';
import type { Checkpoint, OutboxRow } from './outbox-row.js';

/** Which messages a route takes: data, not code, so that it can be pushed into the query. */
export interface Selection {
  /** Type names, former names included. Absent: every event, no command. */
  readonly types?: readonly string[];
  /** Stream prefixes. Absent: all streams. */
  readonly streams?: readonly string[];
}

export interface LanePage {
  readonly rows: readonly OutboxRow[];
  /** The place this page leads to; it also passes rows that the selection left out. */
  readonly through: Checkpoint;
  /** False when this look saw everything that was committed: a further read is of use only after a wake-up. */
  readonly more: boolean;
}

/** An operator's order that the holder carried out, or refused and why. */
export interface ExecutedAction {
  readonly id: string;
  readonly outcome: 'done' | 'refused';
  readonly note?: string;
}

export interface Settlement extends LaneProgress {
  /** Lane actions that end with this write. */
  readonly executed?: readonly ExecutedAction[];
}

export interface ReadOptions {
  readonly route: string;
  readonly lane: number;
  readonly order: 'stream' | 'global';
  readonly selection: Selection;
  readonly after: Checkpoint;
  /** Most rows to answer, 1 to 10,000. */
  readonly limit: number;
}

/** Reads lanes and records what was delivered. */
export interface LaneStore {
  /**
   * Reads a lane's next messages after a checkpoint.
   *
   * Within a stream: by revision, without a gap. Never returns a message while an earlier one of its stream could still commit.
   * With `order: 'global'` causes come before their effects. An empty page means: nothing more for now.
   */
  read(options: ReadOptions): Promise<LanePage>;

  /**
   * Records a lane's progress in one write, fenced by the lease. Idempotent.
   *
   * @throws {@link LeaseLostError} the lease's epoch is not the lane's any more; nothing was changed
   */
  settle(lease: LaneLease, settlement: Settlement): Promise<void>;
}
