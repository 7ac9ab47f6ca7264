import type { BoardLine } from './delay-board.js';
import type { Notice } from './long-delay-notices.js';

/** An event as one side holds it. */
export interface EventOnRecord {
  readonly id: string;
  readonly type: string;
  readonly revision: bigint;
  readonly data: unknown;
  /** When this side wrote it down, by its own clock. */
  readonly at: Date;
}

export interface CommittedStream {
  readonly stream: string;
  /** By revision. */
  readonly events: readonly EventOnRecord[];
}

/** What the database says: read straight from its tables or collections, not through Waybill. */
export interface DatabaseEvidence {
  /** Every stream, a few hundred at a time. */
  committedStreams(): AsyncIterable<readonly CommittedStream[]>;
  board(): Promise<readonly BoardLine[]>;
  noticesFor(messageIds: readonly string[]): Promise<readonly Notice[]>;
  noticeCount(): Promise<number>;
}

/** What EventStoreDB says: read with its own client, not through Waybill. */
export interface EventStoreEvidence {
  /** A stream's events, first to last; none when there is no such stream. */
  read(stream: string): Promise<readonly EventOnRecord[]>;
  /** All events of this run, whatever their stream. */
  count(): Promise<number>;
}
