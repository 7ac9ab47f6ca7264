import { isWaybillError } from '../../errors.js';
import type { DeliveryFailure } from '../../errors.js';
import type { DeliveryAttempt } from '../../outbox/delivery-attempt.js';
import type { LaneProgress } from '../../outbox/lane-progress.js';
import type { Settlement } from '../../outbox/lane-store.js';
import type { Checkpoint, OutboxRow } from '../../outbox/outbox-row.js';
import { named } from '../dispatcher-events.js';
import type { DispatcherEvent } from '../dispatcher-events.js';
import { doubtedBy, failureOf, stillDoubted } from '../failure/doubt.js';
import type { Verdict } from '../failure/failure-judge.js';
import { stopStream } from '../failure/stopping.js';
import type { StoppingOptions } from '../failure/stopping.js';
import type { DeliveryOfRows } from './lane-delivery.js';
import type { LaneOptions } from './lane-options.js';
import type { LanePatience } from './lane-patience.js';
import type { LaneRecord } from './lane-record.js';

/** `more`: there is something to do at once; `drained`: not before a wake-up; otherwise a wait, in milliseconds. */
export interface PageStep {
  readonly events: readonly DispatcherEvent[];
  readonly next: 'more' | 'drained' | 'over' | { readonly waitMs: number };
}

/** What is settled with a failure: how far the lane came before it. */
interface Done {
  readonly checkpoint: Checkpoint;
  readonly gotOn: boolean;
  /** The rows that were looked at, up to the failed one. */
  readonly seen: readonly OutboxRow[];
  /** The failed one may have reached its target by an earlier try. */
  readonly isInDoubt?: boolean;
  readonly attempts: readonly DeliveryAttempt[];
  /** What else is stored with the place behind what was accepted. */
  readonly settles: DeliveryOfRows['settles'];
  readonly events: readonly DispatcherEvent[];
}

export interface PageSettlingOptions extends Omit<LaneOptions, 'progress'> {
  readonly record: LaneRecord;
  readonly patience: LanePatience;
}

/** What a lane stores of its pages: how far it came, what it has passed by, what stopped it, and what is in doubt besides. */
export class PageSettling {
  readonly #options: PageSettlingOptions;
  #isSuspicious: boolean;
  // Rows that the route does not select were passed up to here. Only stored from time to time, and never read from: after a crash of
  // the database a place that it has not stored may mean something else.
  #passed: Checkpoint | undefined;

  constructor(options: PageSettlingOptions) {
    this.#options = options;
    this.#isSuspicious = options.record.suspects > 0;
  }

  /** One of the next page's messages may have killed the last holder. */
  get isSuspicious(): boolean {
    return this.#isSuspicious;
  }

  /** Nothing is suspected any more. */
  trust(): void {
    this.#isSuspicious = false;
  }

  /** Rows that the route does not select: the place behind them is stored by `finish`. */
  pass(through: Checkpoint): void {
    this.#passed = through;
  }

  /** What was passed is read again. */
  forget(): void {
    this.#passed = undefined;
  }

  /** Stores the place reached, where rows were passed that the route does not select. */
  async finish(): Promise<void> {
    if (this.#passed && this.#options.hold.held()) await this.settle(this.runningAt(this.#passed));
  }

  async settle(change: Partial<Settlement>, events: readonly DispatcherEvent[] = []): Promise<void> {
    await this.#options.record.settle(change, events);
    this.#passed = undefined;
  }

  /** @param passed - rows that the lane is done with */
  runningAt(checkpoint: Checkpoint, passed: readonly OutboxRow[] = []): LaneProgress {
    const failure = passed.length > 0 ? stillDoubted(this.doubtedBeyond(passed)) : undefined;
    return { checkpoint, state: 'running', failure, suspects: this.#isSuspicious ? this.#options.record.suspects : 0 };
  }

  /** What is in doubt and none of these: late commits came before it, and it must not be forgotten over them. */
  doubtedBeyond(rows: readonly OutboxRow[]): ReturnType<typeof doubtedBy> {
    return doubtedBy(this.#options.record.failure).filter(({ messageId }) => !rows.some(({ id }) => id === messageId));
  }

  /** Stores what a failure stops: the lane, or the stream alone, as the route has it. */
  failedAt(row: OutboxRow, error: DeliveryFailure, verdict: Verdict, done: Done): Promise<PageStep> {
    const stopsLane = verdict.kind === 'outage' || this.#options.route.onFailure === 'halt';
    return stopsLane
      ? this.#stopLane(row, error, verdict, done)
      : this.stopStreams([{ row, error, verdict }], { ...done, checkpoint: row.checkpoint });
  }

  async stopStreams(failures: readonly Pick<StoppingOptions, 'row' | 'error' | 'verdict'>[], done: Done): Promise<PageStep> {
    const { route, hold, clock, random, patience, reached } = this.#options;
    const { isInDoubt = false, seen } = done;
    const shared = { route, lane: hold.lease.lane, stoppedAt: clock.now(), hasTail: false, attempts: [], clock, random, isInDoubt };
    const stopped = failures.map((failure) => stopStream({ ...shared, ...failure }));
    const events = [...done.events, ...stopped.map(({ event }) => event)];
    const change = {
      ...this.runningAt(done.checkpoint, seen),
      ...done.settles,
      stopped: stopped.flatMap(({ change }) => change.stopped ?? []),
      discarded: stopped.flatMap(({ change }) => change.discarded ?? []),
      attempts: [...done.attempts, ...stopped.flatMap(({ change }) => change.attempts ?? [])],
    };
    await this.settle(change, events);
    patience.reset();
    await reached?.('settled');
    return { events, next: 'more' };
  }

  async #stopLane(row: OutboxRow, error: DeliveryFailure, verdict: Verdict, done: Done): Promise<PageStep> {
    const { route, hold, clock, patience, reached } = this.#options;
    const isHalted = verdict.kind === 'used-up';
    const { attempts } = verdict;
    const { checkpoint, gotOn, isInDoubt = false, seen } = done;
    const waitMs = patience.after(isWaybillError(error, 'MESSAGE_REJECTED') ? 'refusal' : 'outage', { gotOn, error });
    const nextTryAt = isHalted ? undefined : new Date(clock.now().getTime() + waitMs);
    const failure = failureOf({ row, error, verdict, nextTryAt, isInDoubt }, this.doubtedBeyond(seen));
    const failed = { route: route.name, lane: hold.lease.lane, message: named(row), error, attempts };
    const told: DispatcherEvent = isHalted
      ? { name: 'halted', event: failed }
      : { name: 'waiting', event: { ...failed, waitMs, stops: 'lane' } };
    const events = [...done.events, told];
    await this.settle({ checkpoint, state: isHalted ? 'halted' : 'waiting', attempts: done.attempts, failure, ...done.settles }, events);
    await reached?.('settled');
    return { events, next: isHalted ? 'drained' : { waitMs } };
  }
}
