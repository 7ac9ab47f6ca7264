import { setImmediate } from 'node:timers/promises';
import type { EventStoreDBClient, RecordedEvent, ResolvedEvent } from '@eventstore/db-client';
import type { Clock } from '@waybill/core';
import { EventStoreDBUnavailableError, StreamTombstonedError } from '../eventstoredb-errors.js';
import type { Settings } from '../eventstoredb-options.js';
import type { CurrentClient } from './current-client.js';
import { plainDetail } from './plain-detail.js';
import { within } from './within.js';

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

const MAX_TURNS_TO_LEADER = 5;
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
  options: ReadEventsOptions,
): AsyncGenerator<RecordedEvent> {
  let from = options.from;
  for (let turns = 0; ; turns++) {
    options.signal?.throwIfAborted();
    const client = current.get();
    try {
      for await (const event of readOnce(current, client, settings, stream, { ...options, from })) {
        yield event;
        if (from !== 'end') from = event.revision + 1n;
      }
      return;
    } catch (cause) {
      if (options.signal?.aborted || cause instanceof EventStoreDBUnavailableError) throw cause;
      const { type } = cause as { type?: string };
      if (type === 'stream-not-found') return options.onMissing?.();
      if (type === 'stream-deleted') throw new StreamTombstonedError(stream, { cause });
      if (type === 'not-leader' && turns < MAX_TURNS_TO_LEADER) {
        await setImmediate(); // the client turns to the leader meanwhile
        continue;
      }
      if (type === 'access-denied')
        throw new EventStoreDBUnavailableError(`reading stream "${stream}" was denied; check the credentials`, { cause });
      current.replace(client);
      throw new EventStoreDBUnavailableError(`reading stream "${stream}" failed: ${plainDetail((cause as Error).message)}`, { cause });
    }
  }
}

async function* readOnce(
  current: CurrentClient,
  client: EventStoreDBClient,
  { clock, readTimeoutMs }: Settings,
  stream: string,
  { from, limit, leader, signal }: ReadEventsOptions,
): AsyncGenerator<RecordedEvent> {
  const credentials = await within(current.credentials(), { clock, ms: readTimeoutMs, what: 'credentials' });
  const reading = client.readStream(
    stream,
    {
      direction: from === 'end' ? 'backwards' : 'forwards',
      fromRevision: from,
      resolveLinkTos: false,
      requiresLeader: leader,
      ...(limit !== undefined && { maxCount: limit }),
      ...(credentials && { credentials }),
    },
    { highWaterMark: EVENTS_AHEAD },
  );
  current.keep(reading);
  reading.on('error', () => {}); // one that comes after we stopped listening would end the process
  const giveUp = (): void => void reading.destroy(signal!.reason as Error);
  signal?.addEventListener('abort', giveUp, { once: true });
  const watch = new Watch(clock, readTimeoutMs, () => reading.destroy(new Error(`no event within ${readTimeoutMs} ms (readTimeoutMs)`)));

  const events: AsyncIterator<ResolvedEvent> = reading[Symbol.asyncIterator]();
  try {
    for (;;) {
      watch.begin();
      const next = await events.next();
      watch.pause();
      if (next.done) return;
      const recorded = next.value.link ?? next.value.event;
      if (recorded) yield recorded;
    }
  } finally {
    watch.stop();
    signal?.removeEventListener('abort', giveUp);
    reading.cancel().catch(() => {}); // not awaited: it waits for a connection; without it the call stays open
    reading.destroy();
  }
}

/** Notices that one wait takes too long. One timer for many waits: arming one for each event would cost more than reading it. */
class Watch {
  #since: number | undefined;
  #cancel: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly ms: number,
    private readonly expired: () => void,
  ) {}

  begin(): void {
    this.#since = this.clock.monotonic();
    this.#cancel ??= this.clock.after(this.ms, () => this.#look());
  }

  pause(): void {
    this.#since = undefined;
  }

  stop(): void {
    this.#cancel?.();
  }

  #look(): void {
    this.#cancel = undefined;
    if (this.#since === undefined) return;
    const leftMs = this.#since + this.ms - this.clock.monotonic();
    if (leftMs <= 0) this.expired();
    else this.#cancel = this.clock.after(leftMs, () => this.#look());
  }
}
