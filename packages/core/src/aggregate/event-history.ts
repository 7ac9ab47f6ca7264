import type { RecordedMessage } from '../message/stored-message.js';

export interface ReadHistoryOptions {
  /** First revision wanted. */
  readonly from: bigint;
  /** Ask the leader of a cluster, which lags behind nobody. Default false. */
  readonly leader?: boolean;
  readonly signal?: AbortSignal;
}

/** Reads a stream's delivered history; loading merges it with what the outbox still has. */
export interface EventHistory {
  /**
   * The stream's messages by revision, from `from` on; nothing when there is no such stream. What other programs wrote is
   * answered too: schema version 1, codec `json`.
   */
  read(stream: string, options: ReadHistoryOptions): AsyncIterable<RecordedMessage>;
}
