import type { RecordedEvent, ResolvedEvent } from '@eventstore/db-client';
import type { Settings } from '../eventstoredb-options.js';
import type { CurrentClient } from './current-client.js';
import { readFromServer } from './read-from-server.js';

export interface ReadEventsOptions {
  /** First revision wanted; `'end'` reads backwards from the last one. */
  readonly from: bigint | 'end';
  readonly limit?: number;
  /** Only the leader may answer: followers lag behind. */
  readonly leader: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Called when there is no such stream, or it was deleted (not for good), instead of events. */
  readonly onMissing?: () => void;
}

const EVENTS_AHEAD = 128;

/**
 * A stream's events by revision, links as links. Waits no longer than `readTimeoutMs` for the next one; a client that failed is replaced.
 * The time that the caller takes with an event does not count.
 *
 * @throws {@link EventStoreDBUnavailableError}, {@link StreamTombstonedError}
 */
export async function* readEvents(
  current: CurrentClient,
  settings: Settings,
  stream: string,
  { from, limit, leader, signal, onMissing }: ReadEventsOptions,
): AsyncGenerator<RecordedEvent> {
  let next = from;
  const events = readFromServer<ResolvedEvent>(current, settings, {
    what: `reading stream "${stream}"`,
    signal,
    onMissing,
    open: (client, credentials) =>
      client.readStream(
        stream,
        {
          direction: from === 'end' ? 'backwards' : 'forwards',
          fromRevision: next,
          resolveLinkTos: false,
          requiresLeader: leader,
          ...(limit !== undefined && { maxCount: limit }),
          ...(credentials && { credentials }),
        },
        { highWaterMark: EVENTS_AHEAD },
      ),
  });
  for await (const { link, event } of events) {
    const recorded = link ?? event;
    if (!recorded) continue;
    yield recorded;
    if (next !== 'end') next = recorded.revision + 1n;
  }
}
