import { isReadable } from '../read/retention.js';
import type { EventStore, StreamIndex } from '../store/event-store.js';
import { metastreamOf } from '../store/stream-metadata.js';
import type { ExpectedRevision } from './append-outcome.js';
import type { RecentIds } from './recent-ids.js';

/**
 * - `write`: append it; `recreates` when that brings a soft-deleted stream back.
 * - `stored`: every event is there already; nothing is written and `revision` is that of the last one asked for.
 * - `in-flight`: every event is written but not yet committed. The real server drops such a request without an answer.
 */
export type AppendCheck =
  | { readonly kind: 'write'; readonly recreates: boolean }
  | { readonly kind: 'stored'; readonly revision: number; readonly position?: number }
  | { readonly kind: 'in-flight' }
  | { readonly kind: 'wrong-expected-revision' }
  | { readonly kind: 'stream-deleted' };

const CONFLICT: AppendCheck = { kind: 'wrong-expected-revision' };

/**
 * Decides what an append is: new, a retry, or a conflict. Compares event ids within the stream only, never data or types, and compares
 * none at all when the expected revision is the current one. These are the real server's rules, quirks included.
 */
export class IdempotencyCheck {
  constructor(
    private readonly store: EventStore,
    private readonly recentIds: RecentIds,
  ) {}

  check(streamName: string, expected: ExpectedRevision, ids: readonly string[]): AppendCheck {
    const stream = this.store.stream(streamName);
    if (this.store.isTombstoned(streamName)) return { kind: 'stream-deleted' };
    const last = stream ? stream.positions.length - 1 : -1;
    const { softDeleted } = this.store.metadataOf(streamName);

    if (expected === 'stream_exists') {
      if (softDeleted) return { kind: 'stream-deleted' };
      // A stream that was described but never written to passes for one that exists.
      if (last < 0 && !this.store.stream(metastreamOf(streamName))) return CONFLICT;
    }
    if (expected === 'any' || expected === 'stream_exists') return this.#weak(streamName, stream, ids, softDeleted);

    const expectedLast = expected === 'no_stream' ? -1 : Number(expected);
    if (expectedLast > last) return CONFLICT;
    if (expectedLast === last) return { kind: 'write', recreates: softDeleted };
    return this.#strong(stream!, expectedLast, ids, softDeleted && expected === 'no_stream');
  }

  /** Without an exact revision only the recent ids can tell, and an unknown first id settles it. */
  #weak(streamName: string, stream: StreamIndex | undefined, ids: readonly string[], softDeleted: boolean): AppendCheck {
    let revision = -1;
    for (const [index, id] of ids.entries()) {
      const known = this.recentIds.find(id, streamName);
      if (!known) return index === 0 ? { kind: 'write', recreates: softDeleted } : CONFLICT;
      revision = known.revision;
    }
    return ids.length === 0 ? { kind: 'write', recreates: softDeleted } : this.#stored(stream!, revision);
  }

  /** Behind the current revision the stored events themselves are compared, so this holds for ever. */
  #strong(stream: StreamIndex, expectedLast: number, ids: readonly string[], recreates: boolean): AppendCheck {
    let revision = expectedLast;
    for (const id of ids) {
      revision += 1;
      const position = stream.positions[revision];
      if (position !== undefined && this.store.log.at(position).id === id) continue;
      return revision === expectedLast + 1 && recreates ? { kind: 'write', recreates } : CONFLICT;
    }
    if (ids.length === 0) return recreates ? { kind: 'write', recreates } : CONFLICT;
    return this.#stored(stream, revision);
  }

  #stored(stream: StreamIndex, revision: number): AppendCheck {
    const position = stream.positions[revision]!;
    if (position >= this.store.committedEnd) return { kind: 'in-flight' };
    return isReadable(this.store, stream, revision) ? { kind: 'stored', revision, position } : { kind: 'stored', revision };
  }
}
