import type { Checkpoint } from './outbox-row.js';

/** `running` delivers; `waiting` tries again at `nextTryAt`; `halted` waits for a person, also over restarts. */
export type LaneState = 'running' | 'waiting' | 'halted';

/** What stopped a lane, as stored. */
export interface LaneFailure {
  readonly messageId: string;
  readonly stream: string;
  readonly revision: bigint;
  /** Deliveries of this message that failed by the message's own fault; an outage counts none. */
  readonly attempts: number;
  readonly nextTryAt: Date | undefined;
  readonly code: string;
  readonly error: string;
}

export interface LaneProgress {
  readonly checkpoint: Checkpoint;
  readonly state: LaneState;
  /**
   * Set unless `running`; while running, a message that is tried alone because one may have killed the last holder, or that is written down
   * before it is delivered, because its target must not get it twice.
   */
  readonly failure: LaneFailure | undefined;
  /** Holders in a row that were gone without giving the lane back, while it did not move: a message may be killing them. */
  readonly suspects: number;
}
