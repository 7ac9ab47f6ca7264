import type { MessagePlace } from './delivery-status.js';
import type { DeliveryAttempt } from './delivery-attempt.js';
import type { LaneLease } from './lane-lease.js';
import type { LaneProgress } from './lane-progress.js';
import type { Checkpoint, OutboxRow } from './outbox-row.js';
import type { StreamAppend } from './outbox-store.js';
import type { StoppedStream } from './stopped-stream.js';

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

/** A message that the route's policy has given up: best effort was all that was asked. */
export interface DiscardedMessage {
  readonly messageId: string;
  readonly stream: string;
  readonly reason: string;
}

/** One write: all of it is stored, or nothing. */
export interface Settlement extends LaneProgress {
  /** Lane actions that end with this write. */
  readonly executed?: readonly ExecutedAction[];
  /** Streams that stop, or whose stop has changed. */
  readonly stopped?: readonly StoppedStream[];
  /** Streams whose tail was delivered up to the checkpoint: stopped no longer. */
  readonly resumed?: readonly string[];
  /** Stored as lane actions of the kind `discard`, carried out: the audit has what the policy did, too. */
  readonly discarded?: readonly DiscardedMessage[];
  /** Messages in whose place a sink of whole streams has a placeholder: from now on loading counts them and does not apply them. */
  readonly placeholders?: readonly MessagePlace[];
  /**
   * Messages that answers of targets became, appended in the same transaction, each stream at most once. A message whose id the outbox has
   * already is left out, so that a settlement that is stored again appends nothing again.
   */
  readonly replies?: readonly StreamAppend[];
  /** The last revision of each stream that was delivered, for a sink that tells what came before. Never goes back. */
  readonly delivered?: readonly MessagePlace[];
  /** For the delivery history, under the name of the lease's owner. */
  readonly attempts?: readonly DeliveryAttempt[];
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

/** The part of one stream that a lane has passed without delivering it. */
export interface ReadTailOptions extends Omit<ReadOptions, 'after'> {
  readonly stream: string;
  /** First revision wanted. */
  readonly from: bigint;
  /** The lane's checkpoint: what lies behind it comes by `read`, and must not come twice. */
  readonly upTo: Checkpoint;
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
   * A stopped stream's rows that the checkpoint has passed, by revision, from `from` on. Fewer than `limit`: there are no more. The
   * `checkpoint` of each is `upTo`: to deliver it moves the lane nowhere.
   */
  readTail(options: ReadTailOptions): Promise<readonly OutboxRow[]>;

  /** The streams that this lane leaves out, in no order. */
  stopped(lease: LaneLease): Promise<readonly StoppedStream[]>;

  /**
   * The last revision of each of these streams that a settlement of this route named as `delivered`; a stream without one is left out. Goes
   * with the route: one that was retired and made anew has none.
   */
  delivered(route: string, streams: readonly string[]): Promise<readonly MessagePlace[]>;

  /**
   * Records a lane's progress in one write, fenced by the lease. Idempotent.
   *
   * @throws {@link LeaseLostError} the lease's epoch is not the lane's any more; nothing was changed
   */
  settle(lease: LaneLease, settlement: Settlement): Promise<void>;
}
