import { SinkUnavailableError, isWaybillError } from '../../errors.js';
import type { DeliveryFailure } from '../../errors.js';
import type { DeliveryAttempt } from '../../outbox/delivery-attempt.js';
import type { LaneProgress } from '../../outbox/lane-progress.js';
import type { LanePage, Settlement } from '../../outbox/lane-store.js';
import type { Checkpoint, OutboxRow } from '../../outbox/outbox-row.js';
import { Detours, triedBefore } from './detours.js';
import { named } from '../dispatcher-events.js';
import type { DispatcherEvent } from '../dispatcher-events.js';
import { besides, doubtedBy, failureOf, stillDoubted } from '../failure/doubt.js';
import type { FailureJudge, Verdict } from '../failure/failure-judge.js';
import type { DeliveryOfRows, LaneDelivery } from './lane-delivery.js';
import type { LanePatience } from './lane-patience.js';
import type { LaneRecord } from './lane-record.js';
import type { LaneOptions } from './lane-options.js';
import { stopStream } from '../failure/stopping.js';
import type { StoppingOptions } from '../failure/stopping.js';
import { crashLine, crashOf, suspect, Suspicions } from '../failure/suspicion.js';

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
  /** The rows that were looked at, up to the failed one. */
  readonly seen: readonly OutboxRow[];
  /** The failed one may have reached its target by an earlier try. */
  readonly isInDoubt?: boolean;
  readonly attempts: readonly DeliveryAttempt[];
  /** What else is stored with the place behind what was accepted. */
  readonly settles: DeliveryOfRows['settles'];
  readonly events: readonly DispatcherEvent[];
}

const SAVE_IDLE_PROGRESS_MS = 5_000;
/** Messages that a lane looks through for another stream than those that are stuck. */
const MOST_LOOKED_THROUGH = 10_000;

/** A lane's own messages: read a page, deliver what is not of a stopped stream, settle. */
export class LanePages {
  readonly #options: LanePagesOptions;
  #ahead: Promise<LanePage> | undefined;
  readonly #detours = new Detours();
  /** One of the next page's messages may have killed the last holder. */
  #isSuspicious: boolean;
  readonly #suspicions: Suspicions;
  // Rows that the route does not select were passed up to here. Only stored from time to time, and never read from: after a crash of
  // the database a place that it has not stored may mean something else.
  #passed: Checkpoint | undefined;

  constructor(options: LanePagesOptions) {
    this.#options = options;
    this.#isSuspicious = options.record.suspects > 0;
    this.#suspicions = new Suspicions(options.takenOver);
  }

  /** Forgets what was read: the next page is read from the stored place. */
  forget(): void {
    this.#ahead = undefined;
    this.#passed = undefined;
  }

  /** A person has had the lane go on. A message that takes the process down again is suspected again by whoever comes next. */
  trust(): void {
    this.#isSuspicious = false;
  }

  /** Stores the place reached, where rows were passed that the route does not select. */
  async finish(): Promise<void> {
    if (this.#passed && this.#options.hold.held()) await this.#settle(this.#runningAt(this.#passed));
  }

  async deliver(): Promise<PageStep> {
    const { route, record, reached } = this.#options;
    const ahead = this.#ahead;
    const page = await (ahead ?? this.#read(record.checkpoint, route.batchSize));
    this.#ahead = undefined;
    // A page that was read ahead knows nothing of what was committed since, and the wake-up for that came before this step.
    const more = page.more || ahead !== undefined;
    if (page.rows.length === 0) return await this.#drained(page.through, more);
    await reached?.('read');
    const rows = record.stopped.size === 0 ? page.rows : page.rows.filter(({ stream }) => !record.stopped.has(stream));
    const first = rows[0];
    if (!first) {
      await this.#settle(this.#runningAt(page.through, page.rows));
      return { events: [], next: more ? 'more' : 'drained' };
    }

    const gateMs = this.#options.health.enter(this.#options.hold.lease.lane);
    if (gateMs > 0) return { events: [], next: { waitMs: gateMs } };
    const attempts = record.failure?.messageId === first.id ? record.failure.attempts : 0;
    if (this.#isSuspicious || route.writesAhead) return await this.#tryOneByOne(rows, page.through, more);
    const doubted = rows.findIndex((row) => this.#suspicions.isInDoubt(row, record.failure));
    if (doubted >= 0) {
      // Alone, for the sink asks about it: nobody doubts those before it, which are late commits, and those behind it.
      const some = doubted === 0 ? [first] : rows.slice(0, doubted);
      return await this.#try(some, attempts, { rows: some, through: some.at(-1)!.checkpoint, more: true }, doubted === 0);
    }
    const detour = await this.#detour(rows, page);
    if (detour) return await this.#tryInstead(detour.rows, detour.other, attempts);
    if (page.more) this.#readAhead(page.through); // on its way while this one is delivered; a failure forgets it
    return await this.#try(rows, attempts, { ...page, more });
  }

  /** The last holder was gone in the middle of these: each is written down before it is tried, together with the place behind the one before. */
  async #tryOneByOne(rows: readonly OutboxRow[], through: Checkpoint, more: boolean): Promise<PageStep> {
    const { route, record, delivery, judge, hold, clock, reached, patience, suspects } = this.#options;
    const events: DispatcherEvent[] = [];
    let { checkpoint } = record;
    let history: readonly DeliveryAttempt[] = [];
    let settles: DeliveryOfRows['settles'] = {};
    for (const row of rows) {
      const isInDoubt = this.#suspicions.isInDoubt(row, record.failure);
      const known = this.#suspicions.known(row, record.failure);
      const attempts = known?.attempts ?? 0;
      const crash = crashOf(known, row, route);
      if (crash) history = [...history, crashLine(row, clock.now(), crash)];
      const seen = rows.slice(0, rows.indexOf(row) + 1);
      const done = { checkpoint, gotOn: row !== rows[0], events, seen, isInDoubt, settles };
      if (crash?.error.final) return await this.#failedAt(row, crash.error, { kind: 'used-up', attempts }, { ...done, attempts: history });
      const tryIt = async (): Promise<DeliveryOfRows> => {
        this.#suspicions.tries(row, { failure: known, isInDoubt });
        const failure = besides(suspect(row, attempts + 1, crash), this.#doubtedBeyond(seen));
        await this.#settle({ checkpoint: done.checkpoint, state: 'running', failure, attempts: history, ...done.settles });
        this.#suspicions.sends(row);
        // Where nothing is written ahead, the last holder may have sent any of them.
        const delivery = await this.#options.delivery.ofRows([row], attempts + 1, isInDoubt || !route.writesAhead);
        await reached?.('delivered');
        return delivery;
      };
      // One that a process was gone with before is tried while no other such is: else a killer would be taken for many.
      const delivered = crash ? await suspects.run(tryIt, delivery.signal) : await tryIt();
      if (!delivered) return { events, next: hold.held() ? 'more' : 'over' };
      if (!hold.held()) return { events: [], next: 'over' };
      ({ attempts: history, settles } = delivered);
      events.push(...delivered.events);
      const { failure } = delivered;
      if (failure)
        return await this.#failedAt(row, failure, judge.judge(row, failure, attempts, delivered), {
          ...done,
          attempts: history,
          settles,
        });
      checkpoint = row.checkpoint;
    }
    this.#isSuspicious = false;
    await this.#settle({ ...this.#runningAt(through, rows), attempts: history, ...settles }, events);
    patience.reset();
    await reached?.('settled');
    return { events, next: more ? 'more' : 'drained' };
  }

  async #try(rows: readonly OutboxRow[], attempts: number, page: LanePage, isInDoubt = false): Promise<PageStep> {
    const { hold, reached, judge, record } = this.#options;
    const delivery = await this.#options.delivery.ofRows(rows, attempts + 1, isInDoubt || hold.isUnsettled);
    await reached?.('delivered');
    if (!hold.held()) return { events: [], next: 'over' };
    const { accepted, failure, events } = delivery;
    if (!failure) {
      await this.#settle({ ...this.#runningAt(page.through, rows), attempts: delivery.attempts, ...delivery.settles }, events);
      this.#options.patience.reset();
      await reached?.('settled');
      return { events, next: page.more ? 'more' : 'drained' };
    }
    this.#ahead = undefined;
    const failed = rows[accepted]!;
    const verdict = judge.judge(failed, failure, accepted > 0 ? 0 : attempts, delivery);
    const checkpoint = rows[accepted - 1]?.checkpoint ?? record.checkpoint;
    const seen = rows.slice(0, accepted + 1);
    const done = { checkpoint, gotOn: accepted > 0, attempts: delivery.attempts, settles: delivery.settles, events, seen, isInDoubt };
    const step = await this.#failedAt(failed, failure, verdict, done);
    // Where the lane goes on behind it, what is left of the page need not be read again; with the rows of streams that are stopped by now,
    // for until it is their turn they may be so no longer.
    if (step.next === 'more') this.#ahead = Promise.resolve({ ...page, rows: page.rows.slice(page.rows.indexOf(failed) + 1) });
    return step;
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
    this.#isSuspicious = false;
    const isDue = clock.monotonic() - record.settledAt > SAVE_IDLE_PROGRESS_MS;
    if (record.suspects > 0 || isDue) await this.finish();
    return { events: [], next: more ? 'more' : 'drained' };
  }

  /** @param passed - rows that the lane is done with */
  #runningAt(checkpoint: Checkpoint, passed: readonly OutboxRow[] = []): LaneProgress {
    const failure = passed.length > 0 ? stillDoubted(this.#doubtedBeyond(passed)) : undefined;
    return { checkpoint, state: 'running', failure, suspects: this.#isSuspicious ? this.#options.record.suspects : 0 };
  }

  /** What is in doubt and none of these: late commits came before it, and it must not be forgotten over them. */
  #doubtedBeyond(rows: readonly OutboxRow[]): ReturnType<typeof doubtedBy> {
    return doubtedBy(this.#options.record.failure).filter(({ messageId }) => !rows.some(({ id }) => id === messageId));
  }

  async #settle(change: Partial<Settlement>, events: readonly DispatcherEvent[] = []): Promise<void> {
    await this.#options.record.settle(change, events);
    this.#passed = undefined;
  }

  /** The message to try instead of the first one, if it is the turn of one, with all that lies before it, be it pages away. */
  async #detour(
    rows: readonly OutboxRow[],
    page: LanePage,
  ): Promise<{ readonly rows: readonly OutboxRow[]; readonly other: OutboxRow } | undefined> {
    const { route, patience, record } = this.#options;
    // A message that is written down nowhere, like one that is tried instead, would be nobody's doubt after a crash.
    const isStuck = route.onFailure !== 'halt' && !route.writesAhead && patience.isForSink && record.failure?.messageId === rows[0]!.id;
    if (!this.#detours.isTurn(isStuck)) return undefined;
    for (let [seen, last] = [rows, page]; ;) {
      const other = this.#detours.among(seen);
      if (other) return { rows: seen, other };
      if (!last.more || seen.length >= MOST_LOOKED_THROUGH) break;
      last = await this.#read(last.through, route.batchSize);
      seen = [...seen, ...last.rows.filter(({ stream }) => !record.stopped.has(stream))];
    }
    this.#detours.exhausted();
    return undefined;
  }

  async #tryInstead(rows: readonly OutboxRow[], other: OutboxRow, attempts: number): Promise<PageStep> {
    const { record, delivery, hold, reached } = this.#options;
    const row = rows[0]!;
    const { failure, attempts: history, settles, events } = await delivery.ofRows([other], 1);
    await reached?.('delivered');
    if (!hold.held()) return { events: [], next: 'over' };
    const done = { gotOn: !failure, attempts: history, settles, events, seen: rows.slice(0, rows.indexOf(other) + 1) };
    if (failure && !isWaybillError(failure, 'MESSAGE_REJECTED'))
      return await this.#failedAt(row, failure, { kind: 'outage', attempts }, { ...done, checkpoint: record.checkpoint });
    // The sink is back, or it is the message: that shows when its stream, which waits for itself from here on, tries it again while others
    // get through. What lies before the other is of streams that were tried in vain, so the lane's place is at it: behind it, unless it was
    // refused, for then the sink is there, too.
    const { checkpoint } = failure ? rows[rows.indexOf(other) - 1]! : other;
    const error = new SinkUnavailableError(`it takes others, and did not take this message: ${record.failure?.error ?? ''}`);
    const verdict = (tried: OutboxRow): Verdict => ({ kind: 'again', attempts: tried === row ? attempts : 0 });
    const inVain = triedBefore(rows, other).map((tried) => ({ row: tried, error, verdict: verdict(tried) }));
    return await this.#stopStreams(inVain, { ...done, checkpoint });
  }

  #failedAt(row: OutboxRow, error: DeliveryFailure, verdict: Verdict, done: Done): Promise<PageStep> {
    const stopsLane = verdict.kind === 'outage' || this.#options.route.onFailure === 'halt';
    return stopsLane
      ? this.#stopLane(row, error, verdict, done)
      : this.#stopStreams([{ row, error, verdict }], { ...done, checkpoint: row.checkpoint });
  }

  async #stopStreams(failures: readonly Pick<StoppingOptions, 'row' | 'error' | 'verdict'>[], done: Done): Promise<PageStep> {
    const { route, hold, clock, random, patience, reached } = this.#options;
    const { isInDoubt = false, seen } = done;
    const shared = { route, lane: hold.lease.lane, stoppedAt: clock.now(), hasTail: false, attempts: [], clock, random, isInDoubt };
    const stopped = failures.map((failure) => stopStream({ ...shared, ...failure }));
    const events = [...done.events, ...stopped.map(({ event }) => event)];
    const change = {
      ...this.#runningAt(done.checkpoint, seen),
      ...done.settles,
      stopped: stopped.flatMap(({ change }) => change.stopped ?? []),
      discarded: stopped.flatMap(({ change }) => change.discarded ?? []),
      attempts: [...done.attempts, ...stopped.flatMap(({ change }) => change.attempts ?? [])],
    };
    await this.#settle(change, events);
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
    const failure = besides(failureOf({ row, error, verdict, nextTryAt, isInDoubt }), this.#doubtedBeyond(seen));
    const failed = { route: route.name, lane: hold.lease.lane, message: named(row), error, attempts };
    const told: DispatcherEvent = isHalted
      ? { name: 'halted', event: failed }
      : { name: 'waiting', event: { ...failed, waitMs, stops: 'lane' } };
    const events = [...done.events, told];
    await this.#settle({ checkpoint, state: isHalted ? 'halted' : 'waiting', attempts: done.attempts, failure, ...done.settles }, events);
    await reached?.('settled');
    return { events, next: isHalted ? 'drained' : { waitMs } };
  }
}
