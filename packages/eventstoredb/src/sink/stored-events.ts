import type { CurrentClient } from '../connection/current-client.js';
import { readEvents } from '../connection/read-events.js';
import type { Settings } from '../eventstoredb-options.js';
import type { Entry } from './stream-track.js';

/** What a stream holds at the places where messages were to be stored. */
export interface StoredEvents {
  /** True: there is no such stream, or it was (soft-)deleted; its revisions may go on all the same. */
  readonly missing: boolean;
  readonly byRevision: ReadonlyMap<bigint, { readonly id: string; readonly type: string }>;
  /** The highest revision seen. */
  readonly last: bigint | undefined;
}

/** Reads back the places of these entries, from the leader. */
export async function storedEvents(client: CurrentClient, settings: Settings, entries: readonly Entry[], signal: AbortSignal): Promise<StoredEvents> {
  const first = entries[0]!.message;
  const byRevision = new Map<bigint, { readonly id: string; readonly type: string }>();
  let missing = false;
  let last: bigint | undefined;
  const options = { from: first.revision, limit: entries.length, leader: true, signal, onMissing: () => void (missing = true) };
  for await (const { id, type, revision } of readEvents(client, settings, first.stream, options)) {
    byRevision.set(revision, { id, type });
    last = revision;
  }
  return { missing, byRevision, last };
}
