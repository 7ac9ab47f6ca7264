import { readStream } from '../read/read-records.js';
import type { EventStore } from '../store/event-store.js';
import { ALL } from './group-definition.js';
import type { ServerWriter } from './server-writer.js';

export interface CheckpointOptions {
  readonly source: string;
  readonly key: string;
  readonly store: EventStore;
  readonly writer: ServerWriter;
}

/** How far a group has come, stored in a stream of its own: everything up to this place has been handled, parked or skipped. */
export class Checkpoint {
  readonly #stream: string;
  #place: number | undefined;

  constructor(private readonly options: CheckpointOptions) {
    this.#stream = `$persistentsubscription-${options.key}-checkpoint`;
  }

  /** A revision, or a position in `$all`; `undefined` before the first. */
  get place(): number | undefined {
    return this.#place;
  }

  load(): number | undefined {
    const stream = this.options.store.stream(this.#stream);
    const [latest] = stream ? readStream(this.options.store, stream, Infinity, 'backwards') : [];
    this.#place = latest && placeOf(JSON.parse(latest.data.toString()));
    return this.#place;
  }

  write(place: number): void {
    const { writer, store, source } = this.options;
    if (!store.stream(this.#stream)) writer.describe(this.#stream, { $maxCount: 2 });
    writer.write(this.#stream, { type: '$SubscriptionCheckpoint', data: JSON.stringify(source === ALL ? positionText(place) : place) });
    this.#place = place;
  }

  delete(): void {
    this.options.writer.delete(this.#stream);
  }
}

/** A position in `$all` as the server writes it in texts. */
export function positionText(position: number): string {
  return `C:${position}/P:${position}`;
}

function placeOf(stored: unknown): number {
  return typeof stored === 'number' ? stored : Number(/^C:(\d+)/.exec(String(stored))?.[1]);
}
