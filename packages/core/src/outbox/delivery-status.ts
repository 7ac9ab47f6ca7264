import type { MessageKind } from '../message/message.js';
import type { StoredAttempt } from './delivery-attempt.js';
import type { LaneFailure, LaneState } from './lane-progress.js';
import type { StoppedState, StoppedStream } from './stopped-stream.js';

export interface MessagePlace {
  readonly stream: string;
  readonly revision: bigint;
}

/** How far one route is with one message. A message that is not in the answer is not committed (yet). */
export interface MessageProgress extends MessagePlace {
  /** Absent for a message that retention has removed: every route was done with it. */
  readonly type?: string;
  readonly kind?: MessageKind;
  readonly lane?: number;
  /** The route is done with it: its checkpoint is past it, and its stream was not stopped at it or before. */
  readonly passed: boolean;
  /** Passed by an operator's order, or by the route's policy. */
  readonly skipped: boolean;
  /** Why it is not delivered although its lane is past it. */
  readonly stopped?: StoppedState;
}

export interface StoredLane {
  readonly route: string;
  readonly lane: number;
  readonly state: LaneState;
  readonly failure: LaneFailure | undefined;
  /** Instance that holds the lease; `undefined` when nobody does. */
  readonly owner: string | undefined;
  readonly epoch: bigint;
  readonly suspects: number;
  /** Committed rows behind the checkpoint that the route selects; counted up to 10,001. */
  readonly pending: number;
  /** When the oldest of them was committed. */
  readonly oldestAt: Date | undefined;
  /** Streams that it leaves out. */
  readonly stopped: number;
}

export interface RouteStoppedStream extends StoppedStream {
  readonly route: string;
  readonly lane: number;
}

export interface StoppedQuery {
  readonly route?: string;
  readonly stream?: string;
  readonly state?: StoppedState;
  /** Of the last failure. */
  readonly code?: string;
  /** Most streams to answer, the longest stopped first. */
  readonly most: number;
}

/** One message and one route that selects it: a line of `outbox_status`. */
export interface MessageStatus extends MessagePlace {
  readonly messageId: string;
  readonly type: string;
  readonly route: string;
  readonly lane: number;
  /** `FAILED` stands at a failure, or behind one; `WAITING` was not reached yet. */
  readonly status: 'WAITING' | 'DONE' | 'FAILED';
  /** Tries that failed, as far as the delivery history reaches back. */
  readonly failCount: number;
  readonly occurredAt: Date;
  /**
   * When it was settled. `undefined` also when the history does not reach back so far, or when thousands of other batches of its lane were
   * delivered between its commit, or last failure, and it: so many and no more are looked through.
   */
  readonly processedAt: Date | undefined;
  /** When the last try failed. */
  readonly failedAt: Date | undefined;
  /** Of the failure that it stands at, or behind. */
  readonly error: string | undefined;
}

/** One message; or a stream's messages from a revision on (default 0), at most so many (default 100). */
export type MessageQuery = { readonly messageId: string } | { readonly stream: string; readonly from?: bigint; readonly most?: number };

export interface AttemptQuery {
  readonly messageId: string;
  readonly route?: string;
  /** Most tries to answer, newest first. Default 100. */
  readonly most?: number;
}

/** What operators and waiting callers ask. Works in a process that does not dispatch. */
export interface DeliveryStatus {
  progress(route: string, messages: readonly MessagePlace[]): Promise<readonly MessageProgress[]>;

  lanes(): Promise<readonly StoredLane[]>;

  stopped(query: StoppedQuery): Promise<readonly RouteStoppedStream[]>;

  /** A line for each of the messages and each route that was not retired and selects it, by revision. Cheap for one message, and for a part of one stream. */
  messages(query: MessageQuery): Promise<readonly MessageStatus[]>;

  /**
   * What was tried with a message, newest first, as long as the history is kept. On PostgreSQL the first 10,000 batches that its lane has
   * delivered since it was committed are looked through, and the newest 10,000. Of a message that retention has removed, all that is kept is
   * looked through, which takes as long as it takes to read it.
   */
  attempts(query: AttemptQuery): Promise<readonly StoredAttempt[]>;
}
