import type { DeliveryFailure } from '../../errors.js';
import type { Settlement } from '../../outbox/lane-store.js';
import type { OutboxRow } from '../../outbox/outbox-row.js';
import type { StoppedStream } from '../../outbox/stopped-stream.js';
import type { DispatcherEvent } from '../dispatcher-events.js';
import type { FailureJudge } from '../failure/failure-judge.js';
import type { DeliveryOfRows, LaneDelivery } from './lane-delivery.js';
import type { LaneRecord } from './lane-record.js';
import type { LaneOptions } from './lane-options.js';
import { failureOf } from '../failure/doubt.js';
import { stopStream } from '../failure/stopping.js';
import type { StoppingOptions } from '../failure/stopping.js';
import { crashLine, crashOf, suspect, Suspicions } from '../failure/suspicion.js';

/** What one try with a tail came to: something was settled, or the sink is away. */
export interface TailStep {
  readonly events: readonly DispatcherEvent[];
  /** Somebody else probes the sink: nothing was tried. */
  readonly gateMs?: number;
  readonly outage?: { readonly row: OutboxRow; readonly error: DeliveryFailure; readonly attempts: number };
}

/**
 * The tails of a lane's stopped streams: what it has passed and not delivered.
 *
 * A stream that waits is tried with one message. Once it got through, the rest follows in batches, up to the lane's own place; from there
 * on the lane has the stream again. Where the last holder was gone, each try is written down before it is made.
 */
export class LaneTails {
  /** When a stream that waits is to be tried, by this process's monotonic clock. */
  readonly #dueAt = new WeakMap<StoppedStream, number>();
  readonly #suspicions: Suspicions;
  /** How much of each stream was tried alone, because it may have killed the last holder; `undefined` where that let the lane go. */
  readonly #triedAlone: Map<string, number> | undefined;

  constructor(
    private readonly options: Omit<LaneOptions, 'progress'>,
    private readonly record: LaneRecord,
    private readonly delivery: LaneDelivery,
    private readonly judge: FailureJudge,
  ) {
    this.#triedAlone = record.suspects > 0 ? new Map() : undefined;
    this.#suspicions = new Suspicions(options.takenOver);
  }

  /** A person has had the stream go on. */
  trust(stream: string): void {
    this.#triedAlone?.set(stream, Infinity);
  }

  /** The stream that is to be tried now. */
  due(): StoppedStream | undefined {
    return [...this.record.stopped.values()]
      .filter((stop) => this.#dueMs(stop) <= 0)
      .sort((one, other) => this.#dueMs(one) - this.#dueMs(other))[0];
  }

  /** Milliseconds until the next one is due; `undefined` when all of them wait for a person. */
  nextDueMs(): number | undefined {
    let soonest = Infinity;
    for (const stop of this.record.stopped.values()) soonest = Math.min(soonest, this.#dueMs(stop));
    return soonest === Infinity ? undefined : Math.max(0, soonest);
  }

  async deliver(stop: StoppedStream): Promise<TailStep> {
    const { route, health, hold, clock, reached, suspects } = this.options;
    const gateMs = health.enter(hold.lease.lane);
    if (gateMs > 0) return { events: [], gateMs };
    const isSuspect = this.#isSuspect(stop);
    const writesAhead = isSuspect || route.writesAhead;
    const [first, ...others] = await this.#read(stop, writesAhead || stop.state === 'waiting' ? 1 : route.batchSize);
    const row = first;
    if (!row) return this.#end(stop, {}, []);
    const isInDoubt = this.#suspicions.isInDoubt(row, stop.failure);
    const single = writesAhead || stop.state === 'waiting' || isInDoubt;
    const rows = isInDoubt ? [row] : [row, ...others];
    const known = this.#suspicions.known(row, stop.failure);
    const attempts = known?.attempts ?? 0;
    const crash = crashOf(known, row, route);
    const crashed = crash ? [crashLine(row, clock.now(), crash)] : [];
    if (crash?.error.final)
      return this.#stopAt(
        stop,
        { row, error: crash.error, verdict: { kind: 'used-up', attempts }, isInDoubt: isInDoubt && route.writesAhead },
        { attempts: crashed },
      );
    const tryIt = async (): Promise<DeliveryOfRows> => {
      if (writesAhead) {
        if (isSuspect) this.#triedAlone?.set(stop.stream, (this.#triedAlone.get(stop.stream) ?? 0) + 1);
        this.#suspicions.tries(row, { failure: known, isInDoubt });
        const suspected = { ...stop, fromRevision: row.revision, failure: suspect(row, attempts + 1, crash) };
        await this.record.settle({ stopped: [suspected], attempts: crashed });
        this.#suspicions.sends(row);
      }
      const mayBeRepeat = isInDoubt || (!route.writesAhead && (isSuspect || hold.isUnsettled));
      const delivery = await this.delivery.ofRows(rows, attempts + 1, mayBeRepeat);
      await reached?.('delivered');
      return delivery;
    };
    const delivery = crash ? await suspects.run(tryIt, this.delivery.signal) : await tryIt();
    if (!delivery) return { events: [] };
    const { accepted, failure, events } = delivery;
    const told = { ...delivery.settles, attempts: delivery.attempts };
    const failed = rows[accepted];
    if (!failure || !failed) {
      if (!single && rows.length < route.batchSize) return this.#end(stop, told, events);
      const goesOn = { ...stop, state: 'redriving', fromRevision: rows.at(-1)!.revision + 1n, failure: unburdened(stop) } as const;
      await this.record.settle({ ...told, stopped: [goesOn] }, events);
      this.#suspicions.stored(row);
      return { events };
    }
    const before = failed === row ? attempts : 0;
    const verdict = this.judge.judge(failed, failure, before, delivery);
    const inDoubt = delivery.inDoubt === true || (isInDoubt && failed === row);
    if (verdict.kind !== 'outage') return this.#stopAt(stop, { row: failed, error: failure, verdict, isInDoubt: inDoubt }, told, events);
    const { nextTryAt } = stop.failure;
    const unharmed = failureOf({ row: failed, error: failure, verdict, nextTryAt, isInDoubt: inDoubt });
    await this.record.settle({ ...told, stopped: [{ ...stop, fromRevision: failed.revision, failure: unharmed }] }, events);
    this.#suspicions.stored(row);
    return { events, outage: { row: failed, error: failure, attempts: before } };
  }

  #dueMs(stop: StoppedStream): number {
    const { clock } = this.options;
    if (stop.state === 'redriving') return -Infinity;
    if (stop.state !== 'waiting') return Infinity;
    const dueAt = this.#dueAt.get(stop) ?? clock.monotonic() + this.#waitMs(stop);
    this.#dueAt.set(stop, dueAt);
    return dueAt - clock.monotonic();
  }

  /** Stored by the clock of whoever stopped it: no wait is longer than the route's longest, from when this process first sees it. */
  #waitMs({ failure }: StoppedStream): number {
    const { clock, route } = this.options;
    return Math.min((failure.nextTryAt?.getTime() ?? 0) - clock.now().getTime(), route.retry.maxMs);
  }

  /** As much of a stream as one batch may have held. */
  #isSuspect({ stream }: StoppedStream): boolean {
    return this.#triedAlone !== undefined && (this.#triedAlone.get(stream) ?? 0) < this.options.route.batchSize;
  }

  #read({ stream, fromRevision }: StoppedStream, limit: number): Promise<readonly OutboxRow[]> {
    const { stores, route, hold } = this.options;
    const { name, order, selection } = route;
    const from = { stream, from: fromRevision, upTo: this.record.checkpoint };
    return stores.lanes.readTail({ route: name, lane: hold.lease.lane, order, selection, ...from, limit });
  }

  async #stopAt(
    stop: StoppedStream,
    failure: Pick<StoppingOptions, 'row' | 'error' | 'verdict' | 'isInDoubt'>,
    { attempts = [], ...settles }: Told,
    events: readonly DispatcherEvent[] = [],
  ): Promise<TailStep> {
    const { route, hold, clock, random } = this.options;
    const { stoppedAt } = stop;
    const told = { route, lane: hold.lease.lane, ...failure, stoppedAt, hasTail: true, attempts };
    const { change, event } = stopStream({ ...told, clock, random });
    const all = [...events, event];
    await this.record.settle({ ...settles, ...change }, all);
    this.#suspicions.stored(failure.row);
    return { events: all };
  }

  async #end({ stream }: StoppedStream, told: Told, events: readonly DispatcherEvent[]): Promise<TailStep> {
    const { route, hold } = this.options;
    const all: readonly DispatcherEvent[] = [...events, { name: 'redriven', event: { route: route.name, lane: hold.lease.lane, stream } }];
    await this.record.settle({ ...told, resumed: [stream] }, all);
    return { events: all };
  }
}

/** What is stored of a delivery, whatever came of it. */
type Told = Pick<Settlement, 'attempts' | 'replies' | 'delivered'>;

const unburdened = ({ failure }: StoppedStream): StoppedStream['failure'] => ({ ...failure, attempts: 0, nextTryAt: undefined });
