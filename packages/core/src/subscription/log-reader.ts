import { Bell } from '../bell.js';
import { aborted } from '../clock.js';
import type { Clock } from '../clock.js';
import { TargetUnavailableError } from '../errors.js';
import type { EventLog, LogEntry } from './event-log.js';

export interface LogReaderOptions {
  readonly log: EventLog;
  readonly after: bigint | undefined;
  readonly types: readonly string[] | undefined;
  /** Most entries that wait here while others are handled: then no more is asked for. */
  readonly most: number;
  readonly silenceMs: number;
  readonly clock: Clock;
}

/**
 * Reads a log a little ahead of whoever handles it, and notices when it falls silent.
 *
 * The log is asked for one entry after the other, and for none while `most` wait.
 */
export class LogReader {
  readonly #options: LogReaderOptions;
  readonly #stop = new AbortController();
  #waiting: LogEntry[] = [];
  #ended: { readonly error: unknown } | undefined;
  readonly #changed = new Bell();
  readonly #taken = new Bell();
  #hasYielded = false;
  /** Since when the log owes an answer; `undefined` while it is not asked. */
  #askedAt: number | undefined;

  constructor(options: LogReaderOptions) {
    this.#options = options;
    void this.#pull();
  }

  /**
   * What is there, once something is; nothing after `ms`, when `signal` aborts, or when the log should be followed anew.
   *
   * @throws what the log throws, and {@link TargetUnavailableError} when it has not said a word; after what was read before
   */
  async take(ms: number, signal: AbortSignal): Promise<readonly LogEntry[]> {
    const { clock } = this.#options;
    const deadline = clock.monotonic() + ms;
    while (this.#waiting.length === 0 && !signal.aborted) {
      if (this.#ended) throw this.#ended.error;
      this.#throwIfMute();
      const leftMs = Math.min(deadline, this.#silentAt()) - clock.monotonic();
      if (leftMs <= 0) break;
      const cancel = clock.after(leftMs, () => this.#changed.ring());
      await this.#changed.next(signal);
      cancel();
    }
    const entries = this.#waiting;
    this.#waiting = [];
    this.#taken.ring();
    return entries;
  }

  /** True when all that was read is taken. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** True when nothing has come for `silenceMs`: nobody can tell a quiet log from a dead connection. */
  get isSilent(): boolean {
    return this.#waiting.length === 0 && !this.#ended && this.#options.clock.monotonic() >= this.#silentAt();
  }

  /** Ends the reading, without waiting for a log that does not answer. */
  close(): void {
    this.#stop.abort();
  }

  async #pull(): Promise<void> {
    const { log, after, types, most, clock } = this.#options;
    const { signal } = this.#stop;
    try {
      const entries = log.follow({ after, types, signal })[Symbol.asyncIterator]();
      void aborted(signal)
        .then(() => entries.return?.())
        .catch(() => {});
      while (!signal.aborted) {
        this.#askedAt = clock.monotonic();
        const next = await entries.next();
        this.#askedAt = undefined;
        if (next.done === true) throw new TargetUnavailableError(`Log ${log.name}`, 'it has ended');
        this.#hasYielded = true;
        this.#waiting.push(next.value);
        this.#changed.ring();
        while (this.#waiting.length >= most && !signal.aborted) await this.#taken.next(signal);
      }
    } catch (error) {
      this.#ended = { error };
      this.#changed.ring();
    }
  }

  #silentAt(): number {
    return this.#askedAt === undefined ? Infinity : this.#askedAt + this.#options.silenceMs;
  }

  #throwIfMute(): void {
    const { log, silenceMs } = this.#options;
    if (this.isSilent && !this.#hasYielded) throw new TargetUnavailableError(`Log ${log.name}`, `it has not answered for ${silenceMs} ms`);
  }
}
