import { SinkUnavailableError, isWaybillError } from '../../errors.js';
import type { LanePage } from '../../outbox/lane-store.js';
import type { Checkpoint, OutboxRow } from '../../outbox/outbox-row.js';
import { Detours, triedBefore } from './detours.js';
import type { FailureJudge, Verdict } from '../failure/failure-judge.js';
import type { LaneDelivery } from './lane-delivery.js';
import { OneByOne } from './one-by-one.js';
import { PageSettling } from './page-settling.js';
import type { PageSettlingOptions, PageStep } from './page-settling.js';
import { Suspicions } from '../failure/suspicion.js';

export interface LanePagesOptions extends PageSettlingOptions {
  readonly delivery: LaneDelivery;
  readonly judge: FailureJudge;
}

const SAVE_IDLE_PROGRESS_MS = 5_000;
/** Messages that a lane looks through for another stream than those that are stuck. */
const MOST_LOOKED_THROUGH = 10_000;

/** A lane's own messages: read a page, deliver what is not of a stopped stream, settle. */
export class LanePages {
  readonly #options: LanePagesOptions;
  #ahead: Promise<LanePage> | undefined;
  readonly #detours = new Detours();
  readonly #suspicions: Suspicions;
  readonly #settling: PageSettling;
  readonly #oneByOne: OneByOne;

  constructor(options: LanePagesOptions) {
    this.#options = options;
    const suspicions = (this.#suspicions = new Suspicions(options.takenOver));
    const settling = (this.#settling = new PageSettling(options));
    this.#oneByOne = new OneByOne({ ...options, settling, suspicions });
  }

  /** Forgets what was read: the next page is read from the stored place. */
  forget(): void {
    this.#ahead = undefined;
    this.#settling.forget();
  }

  /** A person has had the lane go on. A message that takes the process down again is suspected again by whoever comes next. */
  trust(): void {
    this.#settling.trust();
  }

  /** Stores the place reached, where rows were passed that the route does not select. */
  async finish(): Promise<void> {
    await this.#settling.finish();
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
      await this.#settling.settle(this.#settling.runningAt(page.through, page.rows));
      return { events: [], next: more ? 'more' : 'drained' };
    }

    const gateMs = this.#options.health.enter(this.#options.hold.lease.lane);
    if (gateMs > 0) return { events: [], next: { waitMs: gateMs } };
    const attempts = record.failure?.messageId === first.id ? record.failure.attempts : 0;
    if (this.#settling.isSuspicious || route.writesAhead) return await this.#oneByOne.deliver(rows, page.through, more);
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

  async #try(rows: readonly OutboxRow[], attempts: number, page: LanePage, isInDoubt = false): Promise<PageStep> {
    const { hold, reached, judge, record } = this.#options;
    const delivery = await this.#options.delivery.ofRows(rows, attempts + 1, isInDoubt || hold.isUnsettled);
    await reached?.('delivered');
    if (!hold.held()) return { events: [], next: 'over' };
    const { accepted, failure, events } = delivery;
    if (!failure) {
      await this.#settling.settle(
        { ...this.#settling.runningAt(page.through, rows), attempts: delivery.attempts, ...delivery.settles },
        events,
      );
      this.#options.patience.reset();
      await reached?.('settled');
      return { events, next: page.more ? 'more' : 'drained' };
    }
    this.#ahead = undefined;
    const failed = rows[accepted]!;
    const verdict = judge.judge(failed, failure, accepted > 0 ? 0 : attempts, delivery);
    const checkpoint = rows[accepted - 1]?.checkpoint ?? record.checkpoint;
    const seen = rows.slice(0, accepted + 1);
    const inDoubt = isInDoubt || delivery.inDoubt === true;
    const done = {
      checkpoint,
      gotOn: accepted > 0,
      attempts: delivery.attempts,
      settles: delivery.settles,
      events,
      seen,
      isInDoubt: inDoubt,
    };
    const step = await this.#settling.failedAt(failed, failure, verdict, done);
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
    this.#settling.pass(through);
    this.#settling.trust();
    const isDue = clock.monotonic() - record.settledAt > SAVE_IDLE_PROGRESS_MS;
    if (record.suspects > 0 || isDue) await this.finish();
    return { events: [], next: more ? 'more' : 'drained' };
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
      return await this.#settling.failedAt(row, failure, { kind: 'outage', attempts }, { ...done, checkpoint: record.checkpoint });
    // The sink is back, or it is the message: that shows when its stream, which waits for itself from here on, tries it again while others
    // get through. What lies before the other is of streams that were tried in vain, so the lane's place is at it: behind it, unless it was
    // refused, for then the sink is there, too.
    const { checkpoint } = failure ? rows[rows.indexOf(other) - 1]! : other;
    const error = new SinkUnavailableError(`it takes others, and did not take this message: ${record.failure?.error ?? ''}`);
    const verdict = (tried: OutboxRow): Verdict => ({ kind: 'again', attempts: tried === row ? attempts : 0 });
    const inVain = triedBefore(rows, other).map((tried) => ({ row: tried, error, verdict: verdict(tried) }));
    return await this.#settling.stopStreams(inVain, { ...done, checkpoint });
  }
}
