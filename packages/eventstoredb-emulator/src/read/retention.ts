import type { EventStore, StreamIndex } from '../store/event-store.js';

/** The revisions that `$tb` and `$maxCount` leave readable, both ends included; empty when `first > last`. */
export interface ReadableRange {
  readonly first: number;
  readonly last: number;
  /** Events recorded earlier, in milliseconds since 1970, are too old to be read. */
  readonly oldest: number;
}

/** What a stream's metadata leaves to be read. It hides events from reads of the stream, never from `$all`. */
export function readableRange(store: EventStore, stream: StreamIndex): ReadableRange {
  const { truncateBefore = 0, maxCount = Infinity, maxAgeMs = Infinity } = store.metadataOf(stream.name);
  const last = store.lastCommitted(stream);
  return { first: Math.max(truncateBefore, last + 1 - maxCount, 0), last, oldest: Date.now() - maxAgeMs };
}

export function isReadable(store: EventStore, stream: StreamIndex, revision: number): boolean {
  const { first, last, oldest } = readableRange(store, stream);
  return revision >= first && revision <= last && store.log.at(stream.positions[revision]!).createdAt >= oldest;
}
