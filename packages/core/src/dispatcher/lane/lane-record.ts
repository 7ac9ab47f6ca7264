import { LeaseLostError } from '../../errors.js';
import type { LaneFailure, LaneProgress, LaneState } from '../../outbox/lane-progress.js';
import type { Settlement } from '../../outbox/lane-store.js';
import type { Checkpoint } from '../../outbox/outbox-row.js';
import type { StoppedStream } from '../../outbox/stopped-stream.js';
import type { LaneOptions } from './lane-options.js';

/** What is stored of a lane, as its holder knows it. Every change is one fenced write first, and known here after it. */
export class LaneRecord {
  #progress: LaneProgress;
  readonly #stopped = new Map<string, StoppedStream>();
  #isCurrent = false;
  #settledAt: number;

  constructor(private readonly options: Pick<LaneOptions, 'stores' | 'hold' | 'clock' | 'progress' | 'keepsHistory'>) {
    this.#progress = options.progress;
    this.#settledAt = options.clock.monotonic();
  }

  get progress(): LaneProgress {
    return this.#progress;
  }

  get checkpoint(): Checkpoint {
    return this.#progress.checkpoint;
  }

  get state(): LaneState {
    return this.#progress.state;
  }

  get failure(): LaneFailure | undefined {
    return this.#progress.failure;
  }

  get suspects(): number {
    return this.#progress.suspects;
  }

  /** Streams that the lane leaves out. */
  get stopped(): ReadonlyMap<string, StoppedStream> {
    return this.#stopped;
  }

  /** When something was stored last, by the monotonic clock. */
  get settledAt(): number {
    return this.#settledAt;
  }

  /** Reads the stopped streams where they are not known: at first, and after a write whose answer was lost. */
  async refresh(): Promise<void> {
    if (this.#isCurrent) return;
    const stopped = await this.options.stores.lanes.stopped(this.options.hold.lease);
    this.#stopped.clear();
    for (const stop of stopped) this.#stopped.set(stop.stream, stop);
    this.#isCurrent = true;
  }

  /**
   * Stores what has changed, with what has not.
   *
   * @throws {@link LeaseLostError} somebody else holds the lane, or could; nothing was changed
   */
  async settle(change: Partial<Settlement>): Promise<void> {
    const { hold, keepsHistory } = this.options;
    const { lease } = hold;
    if (!hold.held()) throw new LeaseLostError(lease.route, lease.lane, lease.epoch);
    const settlement = { ...this.#progress, ...change, attempts: keepsHistory ? (change.attempts ?? []) : [] };
    this.#isCurrent = false;
    await this.options.stores.lanes.settle(lease, settlement);
    this.#isCurrent = true;

    const { checkpoint, state, failure, suspects, stopped = [], resumed = [] } = settlement;
    this.#progress = { checkpoint, state, failure, suspects };
    for (const stop of stopped) this.#stopped.set(stop.stream, stop);
    for (const stream of resumed) this.#stopped.delete(stream);
    this.#settledAt = this.options.clock.monotonic();
  }
}
