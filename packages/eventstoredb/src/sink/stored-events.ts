import type { CurrentClient } from '../connection/current-client.js';
import { readEvents } from '../connection/read-events.js';
import type { Settings } from '../eventstoredb-options.js';
import type { Entry } from './stream-track.js';

/** What a stream holds at the places where messages were to be stored. */
export interface StoredEvents {
  /**
   * - `readable`: there are events, or there were and all are truncated;
   * - `deleted`: softly; its revisions go on where they ended;
   * - `missing`: nothing is there, or nothing that is committed yet.
   */
  readonly state: 'readable' | 'deleted' | 'missing';
  readonly byRevision: ReadonlyMap<bigint, { readonly id: string; readonly type: string }>;
  /** The highest revision seen. */
  readonly last: bigint | undefined;
}

/** Reads back the places of these entries, from the leader. */
export async function storedEvents(
  client: CurrentClient,
  settings: Settings,
  entries: readonly Entry[],
  signal: AbortSignal,
): Promise<StoredEvents> {
  const first = entries[0]!.message;
  const byRevision = new Map<bigint, { readonly id: string; readonly type: string }>();
  let missing = false;
  let last: bigint | undefined;
  const options = { from: first.revision, limit: entries.length, leader: true, signal, onMissing: () => void (missing = true) };
  for await (const { id, type, revision } of readEvents(client, settings, first.stream, options)) {
    byRevision.set(revision, { id, type });
    last = revision;
  }
  if (!missing) return { state: 'readable', byRevision, last };
  // A stream whose first events are not committed yet is missing too: only its metadata tell that it was deleted.
  return { state: (await isDeleted(client, settings, first.stream, signal)) ? 'deleted' : 'missing', byRevision, last };
}

async function isDeleted(client: CurrentClient, settings: Settings, stream: string, signal: AbortSignal): Promise<boolean> {
  let deleted = false;
  for await (const { data } of readEvents(client, settings, `$$${stream}`, { from: 0n, leader: true, signal })) {
    const { $tb } = (data ?? {}) as { readonly $tb?: unknown };
    deleted = typeof $tb === 'number' && $tb > 0;
  }
  return deleted;
}
