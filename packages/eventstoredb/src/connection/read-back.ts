import type { AllStreamRecordedEvent, AllStreamResolvedEvent } from '@eventstore/db-client';
import type { Settings } from '../eventstoredb-options.js';
import type { CurrentClient } from './current-client.js';
import { readFromServer } from './read-from-server.js';

export interface ReadBackOptions {
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * All events of the leader, of whatever stream and type, from the last one backwards.
 *
 * @throws {@link EventStoreDBUnavailableError}
 */
export async function* readBack(
  current: CurrentClient,
  settings: Settings,
  { limit, signal }: ReadBackOptions,
): AsyncGenerator<AllStreamRecordedEvent> {
  const events = readFromServer<AllStreamResolvedEvent>(current, settings, {
    what: 'reading $all',
    signal,
    open: (client, credentials) =>
      client.readAll({
        direction: 'backwards',
        fromPosition: 'end',
        maxCount: limit,
        resolveLinkTos: false,
        requiresLeader: true,
        ...(credentials && { credentials }),
      }),
  });
  for await (const { event } of events) if (event) yield event;
}
