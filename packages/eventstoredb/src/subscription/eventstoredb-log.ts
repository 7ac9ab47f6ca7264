import type { AllStreamResolvedEvent, EventStoreDBClient, ResolvedEvent } from '@eventstore/db-client';
import { InvalidOptionsError } from '@waybill/core';
import type { EventLog, FollowOptions, LogEntry } from '@waybill/core';
import type { CurrentClient } from '../connection/current-client.js';
import { pull } from '../connection/pull.js';
import { readingFailure } from '../connection/reading-failure.js';
import { within } from '../connection/within.js';
import { EventStoreDBUnavailableError } from '../eventstoredb-errors.js';
import type { Settings } from '../eventstoredb-options.js';
import { arrivalOf } from './arrival.js';
import { LogEnd } from './log-end.js';
import { openSubscription, tell } from './open-subscription.js';
import type { Selection } from './selection.js';
import { Silence } from './silence.js';
import type { SubscriptionSettings } from './subscription-options.js';

type Resolved = ResolvedEvent | AllStreamResolvedEvent;

// The revision of a tombstone. The error that says what it is comes right behind it.
const TOMBSTONE = 2n ** 63n - 1n;
const MOST_POSITIONS_BYTES = 500;

/** A stream of EventStoreDB, a category, or all of it: positions are the stream's revisions, or commit positions of `$all`. */
export class EventStoreDBLog implements EventLog {
  readonly name: string;
  readonly positions: string;
  readonly unit: 'events' | 'bytes';
  readonly #end: LogEnd;

  /** @throws {@link InvalidOptionsError} the stream's name is too long for its positions to be kept */
  constructor(
    private readonly current: CurrentClient,
    private readonly settings: Settings,
    private readonly selection: Selection,
    private readonly options: SubscriptionSettings,
  ) {
    const { name, stream } = selection;
    this.name = name;
    this.positions = stream === undefined ? '$all' : `stream ${stream}`;
    this.unit = stream === undefined ? 'bytes' : 'events';
    this.#end = new LogEnd(current, settings, selection);
    if (Buffer.byteLength(this.positions) > MOST_POSITIONS_BYTES)
      throw new InvalidOptionsError(`The stream's name is too long to keep positions in it: "${this.positions}" exceeds 500 bytes.`);
  }

  selectsStream(stream: string): boolean {
    return this.options.resolveLinks || this.selection.selectsStream(stream);
  }

  async *follow(options: FollowOptions): AsyncGenerator<LogEntry> {
    const { signal } = options;
    if (signal.aborted) return;
    const { current } = this;
    const client = current.get();
    try {
      yield* this.#follow(client, options);
      if (!signal.aborted) throw new Error('the server ended it without a reason');
    } catch (cause) {
      if (signal.aborted) return;
      throw readingFailure({ current, client, what: `following ${this.name}`, cause });
    }
  }

  async last({ signal, reached }: { readonly signal: AbortSignal; readonly reached?: bigint | undefined }): Promise<bigint | undefined> {
    const last = await this.#end.last(signal);
    if (last !== undefined || reached === undefined) return last;
    return (await this.#end.isHidden(signal)) ? reached : undefined;
  }

  async *#follow(client: EventStoreDBClient, { after, types, signal }: FollowOptions): AsyncGenerator<LogEntry> {
    const { current, selection } = this;
    const { clock, readTimeoutMs } = this.settings;
    const { silenceMs, resolveLinks } = this.options;
    const credentials = await within(current.credentials(), { clock, ms: readTimeoutMs, what: 'credentials' });
    const subscription = openSubscription(client, { selection, after, types, resolveLinks, credentials });
    const onQuiet = (): void => tell(subscription, { kind: 'caught-up' });
    const silence = new Silence(after, { end: this.#end, types, clock, silenceMs, signal, onQuiet });
    const cancel = (): Promise<void> => subscription.unsubscribe();
    const items = pull<Resolved | LogEntry>(current, subscription, { clock, signal, silenceMs, onSilence: () => silence.look(), cancel });

    for await (const item of items) {
      silence.end();
      const entry = 'kind' in item ? item : this.#entryOf(item);
      if (!entry) continue;
      if ('position' in entry) {
        if (silence.seen !== undefined && entry.position <= silence.seen) continue; // a checkpoint at the event before it
        silence.seen = entry.position;
      }
      yield entry;
    }
  }

  #entryOf(resolved: Resolved): LogEntry | undefined {
    const { event, link } = resolved;
    const original = link ?? event;
    if (!original) return undefined;
    if (this.selection.stream !== undefined && original.revision === TOMBSTONE) return undefined;
    const position = this.selection.stream === undefined ? commitOf(resolved) : original.revision;
    if (!event || !this.selection.selects(event)) return { kind: 'passed', position };
    return { ...arrivalOf(event, this.options.source), position };
  }
}

function commitOf({ event, link, commitPosition }: Resolved): bigint {
  const position = commitPosition ?? ((link ?? event) as AllStreamResolvedEvent['event'])?.position.commit;
  if (position === undefined) throw new EventStoreDBUnavailableError('it sent an event of $all without its position');
  return position;
}
