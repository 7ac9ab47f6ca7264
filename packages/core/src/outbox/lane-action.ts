import type { LaneLease } from './lane-lease.js';

/** What an operator can order. The lane's holder carries it out under its lease; the stored actions are the audit. */
export interface LaneActionRequest {
  readonly route: string;
  readonly lane: number;
  readonly kind: 'resume' | 'skip';
  /** The message to skip. */
  readonly messageId?: string;
  readonly reason?: string;
}

export interface LaneAction extends LaneActionRequest {
  readonly id: string;
  readonly requestedAt: Date;
}

/** Orders from people to lanes. */
export interface LaneActions {
  request(action: LaneActionRequest): Promise<void>;

  /** Actions for these lanes that no settlement has ended yet, oldest first. */
  due(leases: readonly LaneLease[]): Promise<readonly LaneAction[]>;
}
