import type { Snapshot } from '../aggregate/snapshot-store.js';
import type { Clock } from '../clock.js';
import type { LastArrival } from '../inbox/arrival-store.js';
import type { InboxClaim } from '../inbox/inbox-store.js';
import type { StoredMessage } from '../message/stored-message.js';
import type { StoredAttempt } from '../outbox/delivery-attempt.js';
import type { LiveInstance } from '../outbox/instances.js';
import type { RecordedAction } from '../outbox/lane-action.js';
import type { LaneProgress } from '../outbox/lane-progress.js';
import type { StoredRoute } from '../outbox/route-store.js';
import type { StoppedStream } from '../outbox/stopped-stream.js';

/** A committed row, with its place in the log of all rows and in that of its lane. */
export interface CommittedRow extends StoredMessage {
  readonly position: bigint;
  readonly recordedAt: Date;
  readonly lane: number;
  readonly index: number;
  readonly laneIndex: number;
}

/** Rows in commit order. One that was removed leaves its place empty, for places are counted from the first. */
export type Log = (CommittedRow | undefined)[];

export interface StoredLaneRow {
  readonly route: string;
  readonly lane: number;
  progress: LaneProgress;
  owner: string | undefined;
  epoch: bigint;
  leaseUntil: Date;
  released: boolean;
  readonly stopped: Map<string, StoppedStream>;
}

/** A line of the delivery history. */
export interface HistoryLine extends StoredAttempt {
  readonly messageIds: readonly string[];
  readonly recordedAt: Date;
}

/** What the in-memory adapters share: the "tables". */
export class InMemoryState {
  readonly heads = new Map<string, bigint>();
  readonly rows: Log = [];
  readonly rowsByLane: Log[];
  readonly rowsByStream = new Map<string, CommittedRow[]>();
  readonly claims = new Map<string, InboxClaim>();
  readonly arrivals = new Map<string, LastArrival>();
  readonly outcomes = new Map<string, string>();
  readonly snapshots = new Map<string, Snapshot>();
  readonly routes = new Map<string, StoredRoute>();
  readonly lanes = new Map<string, StoredLaneRow>();
  readonly instances = new Map<string, LiveInstance>();
  /** Ids of messages in whose place a sink of whole streams has a placeholder. */
  readonly placeholders = new Set<string>();
  /** The last revision of a stream that a route delivered, by route and stream. */
  readonly delivered = new Map<string, Map<string, bigint>>();
  actions: RecordedAction[] = [];
  /** Oldest first, each try once. */
  readonly history = new Map<string, HistoryLine>();
  rowsWereRemoved = false;
  #lastId = 0;
  #lastEpoch = 0n;

  constructor(
    readonly laneCount: number,
    readonly clock: Clock,
  ) {
    this.rowsByLane = Array.from({ length: laneCount }, () => []);
  }

  /** Called at commit only: the place in the log is commit order. */
  insert(message: StoredMessage, lane: number): void {
    const index = this.rows.length;
    const laneRows = this.rowsByLane[lane]!;
    const streamRows = this.rowsByStream.get(message.stream) ?? [];
    const row = { ...message, lane, index, laneIndex: laneRows.length, position: BigInt(index + 1), recordedAt: this.clock.now() };
    this.rows.push(row);
    laneRows.push(row);
    streamRows.push(row);
    this.rowsByStream.set(message.stream, streamRows);
  }

  /** The stream's first row goes. */
  removeFirst(stream: string): void {
    const row = this.rowsByStream.get(stream)!.shift()!;
    this.rows[row.index] = undefined;
    this.rowsByLane[row.lane]![row.laneIndex] = undefined;
    this.placeholders.delete(row.id);
    this.rowsWereRemoved = true;
  }

  addToHistory(line: HistoryLine): void {
    const { route, lane, startedAt, messageIds, outcome } = line;
    const key = JSON.stringify([route, lane, startedAt, messageIds[0], outcome]);
    if (!this.history.has(key)) this.history.set(key, line);
  }

  nextId(): string {
    return String(++this.#lastId);
  }

  /** Of all lanes together: the holder of a lane that was retired must not fit one that was made anew. */
  nextEpoch(): bigint {
    return ++this.#lastEpoch;
  }

  /** As if so many leases had been given that nobody here knows of. */
  skipEpochs(count: bigint): void {
    this.#lastEpoch += count;
  }
}
