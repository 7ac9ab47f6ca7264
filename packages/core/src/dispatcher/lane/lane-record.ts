import { LeaseLostError } from '../../errors.js';
import type { LaneFailure, LaneProgress, LaneState } from '../../outbox/lane-progress.js';
import type { Settlement } from '../../outbox/lane-store.js';
import type { Checkpoint } from '../../outbox/outbox-row.js';
import type { StoppedStream } from '../../outbox/stopped-stream.js';
import type { DispatcherEvent } from '../dispatcher-events.js';
import type { LaneOptions } from './lane-options.js';
import { LastDelivered } from './last-delivered.js';

/** What is stored of a lane, as its holder knows it. Every change is one fenced write first, and known here after it. */
export class LaneRecord {
  #progress: LaneProgress;
  readonly #stopped = new Map<string, StoppedStream>();
  /** The last message of each stream. */
  readonly delivered: LastDelivered;
  #isCurrent = false;
  #settledAt: number;
  /** A write that was answered by nobody. */
  #unanswered: { readonly settlement: Settlement; readonly events: readonly DispatcherEvent[] } | undefined;

  constructor(private readonly options: Pick<LaneOptions, 'stores' | 'wakeUps' | 'hold' | 'clock' | 'progress' | 'keepsHistory'>) {
    this.#progress = options.progress;
    this.delivered = new LastDelivered(options.hold.lease.route, options.stores.lanes);
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

  /**
   * After a write whose answer was lost: reads the stopped streams anew, and stores the same again, for what was delivered is better settled
   * late than delivered twice. What is refused then is forgotten, and delivered again.
   *
   * @returns what the write was to tell
   */
  async refresh(): Promise<readonly DispatcherEvent[]> {
    if (this.#isCurrent) return [];
    const stopped = await this.options.stores.lanes.stopped(this.options.hold.lease);
    this.#stopped.clear();
    for (const stop of stopped) this.#stopped.set(stop.stream, stop);
    const unanswered = this.#unanswered;
    this.#unanswered = undefined;
    if (unanswered) await this.#store(unanswered.settlement);
    this.#isCurrent = true;
    return unanswered?.events ?? [];
  }

  /**
   * Stores what has changed, with what has not.
   *
   * @param events - what is told once it is stored, where the answer is lost and it is stored again
   * @throws {@link LeaseLostError} somebody else holds the lane, or could; nothing was changed
   */
  async settle(change: Partial<Settlement>, events: readonly DispatcherEvent[] = []): Promise<void> {
    const { keepsHistory } = this.options;
    const settlement = { ...this.#progress, ...change, attempts: keepsHistory ? (change.attempts ?? []) : [] };
    this.#unanswered = { settlement, events };
    await this.#store(settlement);
    this.#unanswered = undefined;
    this.#isCurrent = true;
  }

  async #store(settlement: Settlement): Promise<void> {
    const { hold, stores, wakeUps, clock } = this.options;
    const { lease } = hold;
    if (!hold.held()) throw new LeaseLostError(lease.route, lease.lane, lease.epoch);
    this.#isCurrent = false;
    await stores.lanes.settle(lease, settlement);
    hold.isUnsettled = false;

    const { checkpoint, state, failure, suspects, stopped = [], resumed = [], replies = [], delivered = [] } = settlement;
    this.#progress = { checkpoint, state, failure, suspects };
    for (const stop of stopped) this.#stopped.set(stop.stream, stop);
    for (const stream of resumed) this.#stopped.delete(stream);
    this.delivered.remember(delivered);
    this.#settledAt = clock.monotonic();
    const hashes = replies.map(({ hash }) => hash);
    if (hashes.length > 0) wakeUps.nudge('committed', hashes);
  }
}
