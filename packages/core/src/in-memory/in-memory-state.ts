import type { Clock } from '../clock.js';
import type { StoredMessage } from '../message/stored-message.js';
import type { LaneAction } from '../outbox/lane-action.js';
import type { LaneProgress } from '../outbox/lane-progress.js';
import type { ExecutedAction } from '../outbox/lane-store.js';
import type { StoredRoute } from '../outbox/route-store.js';
import type { Snapshot } from '../aggregate/snapshot-store.js';

/** A committed row, with its place in the log of all rows and in that of its lane. */
export interface CommittedRow extends StoredMessage {
  readonly position: bigint;
  readonly recordedAt: Date;
  readonly lane: number;
  readonly index: number;
  readonly laneIndex: number;
}

export interface StoredLaneRow {
  readonly route: string;
  readonly lane: number;
  progress: LaneProgress;
  owner: string | undefined;
  epoch: bigint;
  leaseUntil: Date;
  released: boolean;
}

/** What the in-memory adapters share: the "tables". */
export class InMemoryState {
  readonly heads = new Map<string, bigint>();
  readonly rows: CommittedRow[] = [];
  readonly rowsByLane: CommittedRow[][];
  readonly rowsByStream = new Map<string, CommittedRow[]>();
  readonly claims = new Set<string>();
  readonly outcomes = new Map<string, string>();
  readonly snapshots = new Map<string, Snapshot>();
  readonly routes = new Map<string, StoredRoute>();
  readonly lanes = new Map<string, StoredLaneRow>();
  readonly actions: (LaneAction & { executed?: ExecutedAction })[] = [];

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
}
