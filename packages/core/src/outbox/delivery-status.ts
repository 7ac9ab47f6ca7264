import type { MessageKind } from '../message/message.js';
import type { LaneFailure, LaneState } from './lane-progress.js';

export interface MessagePlace {
  readonly stream: string;
  readonly revision: bigint;
}

/** How far one route is with one message. A message that is not in the answer is not committed (yet). */
export interface MessageProgress extends MessagePlace {
  readonly type: string;
  readonly kind: MessageKind;
  readonly lane: number;
  /** The route's checkpoint is past it. */
  readonly passed: boolean;
  readonly skipped: boolean;
}

export interface StoredLane {
  readonly route: string;
  readonly lane: number;
  readonly state: LaneState;
  readonly failure: LaneFailure | undefined;
  /** Instance that holds the lease; `undefined` when nobody does. */
  readonly owner: string | undefined;
  readonly epoch: bigint;
  /** Committed rows behind the checkpoint that the route selects; counted up to 10,001. */
  readonly pending: number;
  /** When the oldest of them was committed. */
  readonly oldestAt: Date | undefined;
}

/** What operators and waiting callers ask. Works in a process that does not dispatch. */
export interface DeliveryStatus {
  progress(route: string, messages: readonly MessagePlace[]): Promise<readonly MessageProgress[]>;

  lanes(): Promise<readonly StoredLane[]>;
}
