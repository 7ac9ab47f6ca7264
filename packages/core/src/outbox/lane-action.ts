import type { LaneLease } from './lane-lease.js';

/** What an operator can order. The lane's holder carries it out under its lease; the stored actions are the audit. */
export interface LaneActionRequest {
  readonly route: string;
  readonly lane: number;
  /** `resume` the lane; `skip` the message that it, or a stopped stream, stands at; `redrive` a stopped stream. */
  readonly kind: 'resume' | 'skip' | 'redrive';
  /** The message to skip. */
  readonly messageId?: string;
  /** The stream to redrive, or the stopped stream that the message to skip is of. */
  readonly stream?: string;
  readonly reason?: string;
  /** Who asked. */
  readonly requestedBy?: string;
}

export interface LaneAction extends LaneActionRequest {
  readonly id: string;
  readonly requestedAt: Date;
}

/** An action as the audit keeps it; `discard` is what a route's policy did by itself. */
export interface RecordedAction extends Omit<LaneAction, 'kind'> {
  readonly kind: LaneAction['kind'] | 'discard';
  /** Absent while it waits for the lane's holder. */
  readonly executedAt?: Date;
  readonly outcome?: 'done' | 'refused';
  readonly note?: string;
}

/** Orders from people to lanes. */
export interface LaneActions {
  request(action: LaneActionRequest): Promise<void>;

  /** Actions for these lanes that no settlement has ended yet, oldest first. */
  due(leases: readonly LaneLease[]): Promise<readonly LaneAction[]>;

  /** The newest actions of a route, newest first. */
  recorded(route: string, most: number): Promise<readonly RecordedAction[]>;
}
