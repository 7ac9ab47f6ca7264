import { setImmediate } from 'node:timers/promises';
import type { Credentials, EventStoreDBClient } from '@eventstore/db-client';
import type { Readable } from 'node:stream';
import type { Settings } from '../eventstoredb-options.js';
import type { CurrentClient } from './current-client.js';
import { pull } from './pull.js';
import { readingFailure } from './reading-failure.js';
import { within } from './within.js';

export interface ReadFromServerOptions {
  /** Begins the sentence of an error: `reading stream "order-1"`. */
  readonly what: string;
  /** Begins the read, or begins it anew where it was, at the server that leads. */
  readonly open: (client: EventStoreDBClient, credentials: Credentials | undefined) => Readable & { cancel(): Promise<void> };
  readonly signal: AbortSignal | undefined;
  /** Called when there is no such stream, instead of events. */
  readonly onMissing?: (() => void) | undefined;
}

const MAX_TURNS_TO_LEADER = 5;

/**
 * Reads to the end, waiting no longer than `readTimeoutMs` for the next event; a client that failed is replaced.
 *
 * @throws {@link EventStoreDBUnavailableError}, {@link StreamTombstonedError}
 */
export async function* readFromServer<Item>(
  current: CurrentClient,
  settings: Settings,
  { what, open, signal, onMissing }: ReadFromServerOptions,
): AsyncGenerator<Item> {
  const { clock, readTimeoutMs } = settings;
  for (let turns = 0; ; turns++) {
    signal?.throwIfAborted();
    const client = current.get();
    try {
      const credentials = await within(current.credentials(), { clock, ms: readTimeoutMs, what: 'credentials' });
      const reading = open(client, credentials);
      yield* pull<Item>(current, reading, {
        clock,
        signal,
        silenceMs: readTimeoutMs,
        onSilence: () => {
          throw new Error(`no event within ${readTimeoutMs} ms (readTimeoutMs)`);
        },
        cancel: () => reading.cancel(),
      });
      return;
    } catch (cause) {
      if (signal?.aborted) throw cause;
      const { type } = cause as { type?: string };
      if (type === 'stream-not-found') return onMissing?.();
      if (type !== 'not-leader' || turns >= MAX_TURNS_TO_LEADER) throw readingFailure({ current, client, what, cause });
      await setImmediate(); // the client turns to the leader meanwhile
    }
  }
}
