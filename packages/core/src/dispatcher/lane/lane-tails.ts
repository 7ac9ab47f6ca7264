import type { DeliveryFailure } from '../../errors.js';
import type { DeliveryAttempt } from '../../outbox/delivery-attempt.js';
import type { OutboxRow } from '../../outbox/outbox-row.js';
import type { StoppedStream } from '../../outbox/stopped-stream.js';
import type { DispatcherEvent } from '../dispatcher-events.js';
import type { FailureJudge, Verdict } from '../failure/failure-judge.js';
import type { DeliveryOfRows, LaneDelivery } from './lane-delivery.js';
import type { LaneRecord } from './lane-record.js';
import type { LaneOptions } from './lane-options.js';
import { stopStream } from '../failure/stopping.js';
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
    const single = isSuspect || stop.state === 'waiting';
    const rows = await this.#read(stop, single ? 1 : route.batchSize);
    const row = rows[0];
    if (!row) return this.#end(stop, [], []);
    const known = this.#suspicions.known(row, stop.failure);
    const attempts = known?.attempts ?? 0;
    const crash = crashOf(known, row, route.attempts);
    const crashed = crash ? [crashLine(row, clock.now(), crash)] : [];
    if (crash?.error.final) return this.#stopAt(stop, row, crash.error, { kind: 'used-up', attempts }, crashed);
    const tryIt = async (): Promise<DeliveryOfRows> => {
      if (isSuspect) {
        this.#triedAlone?.set(stop.stream, (this.#triedAlone.get(stop.stream) ?? 0) + 1);
        this.#suspicions.tries(row, known);
        const suspected = { ...stop, fromRevision: row.revision, failure: suspect(row, attempts + 1, crash) };
        await this.record.settle({ stopped: [suspected], attempts: crashed });
      }
      const delivery = await this.delivery.ofRows(rows, attempts + 1);
      await reached?.('delivered');
      return delivery;
    };
    const delivery = crash ? await suspects.run(tryIt, this.delivery.signal) : await tryIt();
    if (!delivery) return { events: [] };
    const { accepted, failure, attempts: history, events } = delivery;
    const failed = rows[accepted];
    if (!failure || !failed) {
      if (!single && rows.length < route.batchSize) return this.#end(stop, history, events);
      const goesOn = { ...stop, state: 'redriving', fromRevision: rows.at(-1)!.revision + 1n, failure: unburdened(stop) } as const;
      await this.record.settle({ stopped: [goesOn], attempts: history });
      return { events };
    }
    const before = failed === row ? attempts : 0;
    const verdict = this.judge.judge(failed, failure, before, delivery);
    if (verdict.kind !== 'outage') return this.#stopAt(stop, failed, failure, verdict, history, events);
    const { code, message: error } = failure;
    const unharmed = { ...stop, fromRevision: failed.revision, failure: { ...stop.failure, attempts: before, code, error } };
    await this.record.settle({ stopped: [unharmed], attempts: history });
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
    row: OutboxRow,
    error: DeliveryFailure,
    verdict: Verdict,
    history: readonly DeliveryAttempt[],
    events: readonly DispatcherEvent[] = [],
  ): Promise<TailStep> {
    const { route, hold, clock, random } = this.options;
    const { stoppedAt } = stop;
    const told = { route, lane: hold.lease.lane, row, error, verdict, stoppedAt, hasTail: true, attempts: history };
    const { change, event } = stopStream({ ...told, clock, random });
    await this.record.settle(change);
    return { events: [...events, event] };
  }

  async #end({ stream }: StoppedStream, history: readonly DeliveryAttempt[], events: readonly DispatcherEvent[]): Promise<TailStep> {
    await this.record.settle({ resumed: [stream], attempts: history });
    const { route, hold } = this.options;
    return { events: [...events, { name: 'redriven', event: { route: route.name, lane: hold.lease.lane, stream } }] };
  }
}

const unburdened = ({ failure }: StoppedStream): StoppedStream['failure'] => ({ ...failure, attempts: 0, nextTryAt: undefined });
