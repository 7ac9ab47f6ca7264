interface Pending {
  readonly end: number;
  readonly dueAt: number;
  readonly callbacks: (() => void)[];
}

/** Commits appends in the order they were written, each `delayMs` after its write. Without a delay: within the write itself. */
export class CommitQueue {
  readonly #commit: (end: number) => void;
  #pending: Pending[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(
    public delayMs: number,
    commit: (end: number) => void,
  ) {
    this.#commit = commit;
  }

  /** @param end - the log's end behind this append */
  add(end: number): void {
    if (this.delayMs === 0 && this.#pending.length === 0) {
      this.#commit(end);
      return;
    }
    this.#pending.push({ end, dueAt: performance.now() + this.delayMs, callbacks: [] });
    this.#timer ??= setTimeout(() => this.#commitDue(), this.delayMs);
  }

  /** Calls back after the commit of the last append added; at once if there is none. */
  afterLast(callback: () => void): void {
    const last = this.#pending.at(-1);
    if (last) last.callbacks.push(callback);
    else callback();
  }

  /** Forgets everything not yet committed, and who waits for it. @returns the ends that were pending, in order */
  clear(): number[] {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const ends = this.#pending.map(({ end }) => end);
    this.#pending = [];
    return ends;
  }

  #commitDue(): void {
    this.#timer = undefined;
    const now = performance.now();
    const waiting = this.#pending.findIndex(({ dueAt }) => dueAt > now);
    const due = this.#pending.splice(0, waiting === -1 ? this.#pending.length : waiting);
    for (const { end, callbacks } of due) {
      this.#commit(end);
      for (const callback of callbacks) callback();
    }
    const next = this.#pending[0];
    if (next) this.#timer ??= setTimeout(() => this.#commitDue(), Math.max(next.dueAt - now, 0));
  }
}
