/** Where an event with a remembered id was first stored. */
export interface RememberedEvent {
  readonly stream: string;
  readonly revision: number;
}

const CAPACITY_BYTES = 8 * 1024 * 1024;
const ENTRY_BYTES = 56;

/**
 * The ids of the latest events, for the whole server: all that stands between a retry with `ANY` and a duplicate.
 *
 * One entry an id, not one a stream and id, and the first one stays. Holds 8 MiB by the real server's own estimate (56 bytes and two for
 * every character of the stream's name), forgets the oldest first, and knows nothing after a restart.
 */
export class RecentIds {
  readonly #events = new Map<string, RememberedEvent>();
  #oldestFirst: IterableIterator<string> | undefined;
  #bytes = 0;

  find(id: string, stream: string): RememberedEvent | undefined {
    const event = this.#events.get(id);
    return event?.stream === stream ? event : undefined;
  }

  remember(id: string, stream: string, revision: number): void {
    if (this.#events.has(id)) return;
    while (this.#bytes >= CAPACITY_BYTES) this.#forgetOldest();
    this.#events.set(id, { stream, revision });
    this.#bytes += costOf(stream);
  }

  clear(): void {
    this.#events.clear();
    this.#oldestFirst = undefined;
    this.#bytes = 0;
  }

  #forgetOldest(): void {
    // One iterator for good: a new one would step over every id forgotten so far, each time.
    this.#oldestFirst ??= this.#events.keys();
    const oldest = this.#oldestFirst.next();
    if (oldest.done) {
      this.#oldestFirst = undefined;
      return;
    }
    const event = this.#events.get(oldest.value);
    if (event) this.#bytes -= costOf(event.stream);
    this.#events.delete(oldest.value);
  }
}

function costOf(stream: string): number {
  return ENTRY_BYTES + 2 * stream.length;
}
