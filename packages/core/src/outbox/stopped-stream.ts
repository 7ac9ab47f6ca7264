import type { LaneFailure } from './lane-progress.js';

/**
 * `waiting`: its first message is tried again at `failure.nextTryAt`. `halted`: waits for `resume`. `parked`: set aside until somebody
 * redrives it. `redriving`: its lane delivers what piled up.
 */
export type StoppedState = 'waiting' | 'halted' | 'parked' | 'redriving';

/** A stream that waits while its lane goes on. Nothing is copied: it refers to rows of the outbox, which retention keeps. */
export interface StoppedStream {
  readonly stream: string;
  /** The first revision that is not delivered: it and every later one of the stream wait. */
  readonly fromRevision: bigint;
  readonly state: StoppedState;
  /** The last failure; `nextTryAt` is set while `waiting`. */
  readonly failure: LaneFailure;
  readonly stoppedAt: Date;
}
