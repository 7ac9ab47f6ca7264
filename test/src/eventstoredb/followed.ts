import type { EventLog, FollowOptions, LogEntry } from '@waybill/core';

/** A log that is being followed, entry by entry, by someone who notes what came. */
export class Followed {
  readonly entries: LogEntry[] = [];
  readonly #stop = new AbortController();
  readonly #log: AsyncIterator<LogEntry>;

  constructor(log: EventLog, options: Partial<Omit<FollowOptions, 'signal'>> = {}) {
    this.#log = log.follow({ after: undefined, types: undefined, ...options, signal: this.#stop.signal })[Symbol.asyncIterator]();
  }

  /** The next entry; `undefined` when it has ended. */
  async next(): Promise<LogEntry | undefined> {
    const result = (await this.#log.next()) as IteratorResult<LogEntry, undefined>;
    if (!result.done) this.entries.push(result.value);
    return result.value;
  }

  async until(isLast: (entry: LogEntry) => boolean): Promise<this> {
    for (;;) {
      const entry = await this.next();
      if (!entry) throw new Error(`It ended after ${this.entries.length} entries.`);
      if (isLast(entry)) return this;
    }
  }

  untilCaughtUp(): Promise<this> {
    return this.until(({ kind }) => kind === 'caught-up');
  }

  untilMessage(id: string): Promise<this> {
    return this.until((entry) => entry.kind === 'message' && entry.message.id === id);
  }

  /** What it fails with. */
  failure(): Promise<unknown> {
    return this.until(() => false).catch((error: unknown) => error);
  }

  /** `stream@revision` of each message. */
  get messages(): readonly string[] {
    return this.entries.flatMap((entry) => (entry.kind === 'message' ? [`${entry.message.stream}@${entry.message.revision}`] : []));
  }

  /** Position of the last entry that has one. */
  get position(): bigint | undefined {
    return this.entries.flatMap((entry) => ('position' in entry ? [entry.position] : [])).at(-1);
  }

  /** The log ends for its follower, who need not ask for more. */
  stop(): void {
    this.#stop.abort();
  }
}
