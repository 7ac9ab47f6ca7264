import { MessageRejectedError, isWaybillError } from '../errors.js';
import type { SinkUnavailableError } from '../errors.js';
import type { DeliveryAttempt } from '../outbox/delivery-attempt.js';
import type { LaneProgress } from '../outbox/lane-progress.js';
import type { LanePage, Settlement } from '../outbox/lane-store.js';
import type { Checkpoint, OutboxRow } from '../outbox/outbox-row.js';
import { named } from './dispatcher-events.js';
import type { DispatcherEvent } from './dispatcher-events.js';
import type { FailureJudge, Verdict } from './failure-judge.js';
import type { LaneDelivery } from './lane-delivery.js';
import type { LanePatience } from './lane-patience.js';
import type { LaneRecord } from './lane-record.js';
import type { LaneOptions } from './lane-steps.js';
import { stopStream } from './stopping.js';
import { crashLine, crashOf, suspect } from './suspicion.js';

export interface LanePagesOptions extends Omit<LaneOptions, 'progress'> {
  readonly record: LaneRecord;
  readonly delivery: LaneDelivery;
  readonly judge: FailureJudge;
  readonly patience: LanePatience;
}

/** `more`: there is something to do at once; `drained`: not before a wake-up; otherwise a wait, in milliseconds. */
export interface PageStep {
  readonly events: readonly DispatcherEvent[];
  readonly next: 'more' | 'drained' | 'over' | { readonly waitMs: number };
}

/** What was settled with a failure: how far the lane came before it. */
interface Done {
  readonly checkpoint: Checkpoint;
  readonly gotOn: boolean;
  readonly attempts: readonly DeliveryAttempt[];
  readonly events: readonly DispatcherEvent[];
}

const SAVE_IDLE_PROGRESS_MS = 5_000;

/** A lane's own messages: read a page, deliver what is not of a stopped stream, settle. */
export class LanePages {
  readonly #options: LanePagesOptions;
  #ahead: Promise<LanePage> | undefined;
  #passesBy = false;
  /** Messages still to be tried alone, because one of them may have killed the last holder. */
  #suspects: number;
  // Rows that the route does not select were passed up to here. Only stored from time to time, and never read from: after a crash of
  // the database a place that it has not stored may mean something else.
  #passed: Checkpoint | undefined;

  constructor(options: LanePagesOptions) {
    this.#options = options;
    this.#suspects = options.record.suspects > 0 ? options.route.batchSize : 0;
  }

  /** Forgets what was read: the next page is read from the stored place. */
  forget(): void {
    this.#ahead = undefined;
    this.#passed = undefined;
  }

  /** Stores the place reached, where rows were passed that the route does not select. */
  async finish(): Promise<void> {
    if (this.#passed && this.#options.hold.held()) await this.#settle(this.#runningAt(this.#passed));
  }

  async deliver(): Promise<PageStep> {
    const { route, record, reached } = this.#options;
    const isAlone = this.#suspects > 0;
    const ahead = this.#ahead;
    const page = await (ahead ?? this.#read(record.checkpoint, isAlone ? 1 : route.batchSize));
    this.#ahead = undefined;
    // A page that was read ahead knows nothing of what was committed since, and the wake-up for that came before this step.
    const more = page.more || ahead !== undefined;
    if (page.rows.length === 0) return await this.#drained(page.through, more);
    await reached?.('read');
    const rows = record.stopped.size === 0 ? page.rows : page.rows.filter(({ stream }) => !record.stopped.has(stream));
    const first = rows[0];
    if (!first) {
      await this.#settle(this.#runningAt(page.through));
      return { events: [], next: more ? 'more' : 'drained' };
    }

    const gateMs = this.#options.health.enter(this.#options.hold.lease.lane);
    if (gateMs > 0) return { events: [], next: { waitMs: gateMs } };
    const attempts = record.failure?.messageId === first.id ? record.failure.attempts : 0;
    const other = isAlone ? undefined : this.#otherStream(rows);
    if (other) return await this.#tryInstead(first, other, attempts);
    if (isAlone) {
      const crash = crashOf(record.failure, first, route.attempts);
      const done = {
        checkpoint: record.checkpoint,
        gotOn: false,
        attempts: crash ? [crashLine(first, this.#options.clock.now(), crash)] : [],
        events: [],
      };
      if (crash?.final) return await this.#failedAt(first, crash, { kind: 'used-up', attempts }, done);
      await this.#settle({ failure: suspect(first, attempts + 1), attempts: done.attempts });
    } else if (page.more) this.#readAhead(page.through); // on its way while this one is delivered; a failure forgets it
    return await this.#try(rows, attempts, page.through, more);
  }

  async #try(rows: readonly OutboxRow[], attempts: number, through: Checkpoint, more: boolean): Promise<PageStep> {
    const { hold, reached, judge, record } = this.#options;
    const delivery = await this.#options.delivery.ofRows(rows, attempts + 1);
    await reached?.('delivered');
    if (!hold.held()) return { events: [], next: 'over' };
    const { accepted, failure, events } = delivery;
    if (!failure) {
      this.#suspects = Math.max(0, this.#suspects - 1);
      await this.#settle({ ...this.#runningAt(through), attempts: delivery.attempts });
      this.#options.patience.reset();
      await reached?.('settled');
      return { events, next: more ? 'more' : 'drained' };
    }
    this.#ahead = undefined;
    const failed = rows[accepted]!;
    const verdict = judge.judge(failed, failure, accepted > 0 ? 0 : attempts);
    const checkpoint = rows[accepted - 1]?.checkpoint ?? record.checkpoint;
    return await this.#failedAt(failed, failure, verdict, { checkpoint, gotOn: accepted > 0, attempts: delivery.attempts, events });
  }

  #read(after: Checkpoint, limit: number): Promise<LanePage> {
    const { stores, route, hold } = this.#options;
    const { name, order, selection } = route;
    return stores.lanes.read({ route: name, lane: hold.lease.lane, order, selection, after, limit });
  }

  #readAhead(after: Checkpoint): void {
    this.#ahead = this.#read(after, this.#options.route.batchSize);
    this.#ahead.catch(() => {}); // seen when it is awaited, or of no interest any more
  }

  async #drained(through: Checkpoint, more: boolean): Promise<PageStep> {
    const { record, clock } = this.#options;
    this.#passed = through;
    this.#suspects = 0;
    const isDue = clock.monotonic() - record.settledAt > SAVE_IDLE_PROGRESS_MS;
    if (record.suspects > 0 || isDue) await this.finish();
    return { events: [], next: more ? 'more' : 'drained' };
  }

  #runningAt(checkpoint: Checkpoint): LaneProgress {
    return { checkpoint, state: 'running', failure: undefined, suspects: this.#suspects > 0 ? this.#options.record.suspects : 0 };
  }

  async #settle(change: Partial<Settlement>): Promise<void> {
    await this.#options.record.settle(change);
    this.#passed = undefined;
  }

  /**
   * Where the sink fails at one message again and again, and the lane may pass it by, every other try is made with the next stream's
   * message: a lane that is alone would never learn otherwise that it is the message, and not the sink.
   */
  #otherStream(rows: readonly OutboxRow[]): OutboxRow | undefined {
    const { route, patience, record } = this.#options;
    const isStuck = patience.isForSink && record.failure?.messageId === rows[0]!.id;
    this.#passesBy = isStuck && route.onFailure !== 'halt' && !this.#passesBy;
    return this.#passesBy ? rows.find(({ stream }) => stream !== rows[0]!.stream) : undefined;
  }

  async #tryInstead(row: OutboxRow, other: OutboxRow, attempts: number): Promise<PageStep> {
    const { record, delivery, hold, route, reached } = this.#options;
    const { failure, attempts: history, events } = await delivery.ofRows([other], 1);
    await reached?.('delivered');
    if (!hold.held()) return { events: [], next: 'over' };
    const { checkpoint } = record;
    if (failure)
      return await this.#failedAt(row, failure, { kind: 'outage', attempts }, { checkpoint, gotOn: false, attempts: history, events });
    // The sink is well. What lies between the two messages is of the first one's stream, so the lane's place is behind the other.
    const detail = `the sink takes others, and failed at it again and again: ${record.failure?.error ?? ''}`;
    const error = new MessageRejectedError(row.id, row.stream, row.revision, detail);
    const kind = attempts + 1 >= route.attempts ? 'used-up' : 'again';
    return await this.#stopStream(
      row,
      error,
      { kind, attempts: attempts + 1 },
      { checkpoint: other.checkpoint, gotOn: true, attempts: history, events },
    );
  }

  #failedAt(row: OutboxRow, error: SinkUnavailableError | MessageRejectedError, verdict: Verdict, done: Done): Promise<PageStep> {
    const stopsLane = verdict.kind === 'outage' || this.#options.route.onFailure === 'halt';
    return stopsLane
      ? this.#stopLane(row, error, verdict, done)
      : this.#stopStream(row, error, verdict, { ...done, checkpoint: row.checkpoint });
  }

  async #stopStream(row: OutboxRow, error: SinkUnavailableError | MessageRejectedError, verdict: Verdict, done: Done): Promise<PageStep> {
    const { route, hold, clock, random, patience, reached } = this.#options;
    const stoppedAt = clock.now();
    const { change, event } = stopStream({ route, lane: hold.lease.lane, row, error, verdict, stoppedAt, hasTail: false, clock, random });
    await this.#settle({ ...this.#runningAt(done.checkpoint), ...change, attempts: done.attempts });
    patience.reset();
    await reached?.('settled');
    return { events: [...done.events, event], next: 'more' };
  }

  async #stopLane(row: OutboxRow, error: SinkUnavailableError | MessageRejectedError, verdict: Verdict, done: Done): Promise<PageStep> {
    const { route, hold, clock, patience, reached } = this.#options;
    const isHalted = verdict.kind === 'used-up';
    const { attempts } = verdict;
    const waitMs = patience.after(isWaybillError(error, 'MESSAGE_REJECTED') ? 'refusal' : 'outage', done);
    const nextTryAt = isHalted ? undefined : new Date(clock.now().getTime() + waitMs);
    const { id: messageId, stream, revision } = row;
    await this.#settle({
      ...{ checkpoint: done.checkpoint, state: isHalted ? 'halted' : 'waiting', attempts: done.attempts },
      failure: { messageId, stream, revision, attempts, code: error.code, error: error.message, nextTryAt },
    });
    await reached?.('settled');
    const failed = { route: route.name, lane: hold.lease.lane, message: named(row), error, attempts };
    if (isHalted) return { events: [...done.events, { name: 'halted', event: failed }], next: 'drained' };
    return { events: [...done.events, { name: 'waiting', event: { ...failed, waitMs, stops: 'lane' } }], next: { waitMs } };
  }
}
