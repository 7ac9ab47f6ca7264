import type { LaneAction } from '../../outbox/lane-action.js';
import type { LaneFailure } from '../../outbox/lane-progress.js';
import type { Settlement } from '../../outbox/lane-store.js';
import type { OutboxRow } from '../../outbox/outbox-row.js';
import type { StoppedStream } from '../../outbox/stopped-stream.js';
import { skippedMessage } from '../../outbox/outbox-message.js';
import { named } from '../dispatcher-events.js';
import { besides, doubtedBy, failureOf, leftInDoubt, resolved, saidToSend, stillDoubted } from '../failure/doubt.js';
import { suspect } from '../failure/suspicion.js';
import type { DispatcherEvent } from '../dispatcher-events.js';
import type { LaneDelivery } from './lane-delivery.js';
import type { LaneRecord } from './lane-record.js';
import type { LaneOptions } from './lane-options.js';

/** An operator's order as it ended: what to store, and what to tell then. */
interface EndedOrder {
  readonly change: Partial<Settlement>;
  readonly event: DispatcherEvent;
}

/** Messages that are looked through for the one to skip: late commits lie before it. */
const MOST_LOOKED_THROUGH = 500;

/** Carries out what operators have ordered, under the lane's lease. */
export class LaneOrders {
  #unanswered: EndedOrder | undefined;

  constructor(
    private readonly options: Omit<LaneOptions, 'progress'>,
    private readonly record: LaneRecord,
    private readonly delivery: LaneDelivery,
  ) {}

  /** An order whose end was stored, or was not: the answer was lost. It is stored again, for one that has ended is due no more. */
  async answer(events: DispatcherEvent[]): Promise<void> {
    if (this.#unanswered) events.push(await this.#end(this.#unanswered));
  }

  async attend(events: DispatcherEvent[]): Promise<void> {
    const { stores, hold } = this.options;
    for (const action of await stores.actions.due([hold.lease])) events.push(await this.#end(await this.#carryOut(action)));
  }

  async #end(order: EndedOrder): Promise<DispatcherEvent> {
    this.#unanswered = order;
    await this.record.settle(order.change);
    this.#unanswered = undefined;
    return order.event;
  }

  #carryOut(action: LaneAction): Promise<EndedOrder> | EndedOrder {
    const stop = action.stream === undefined ? undefined : this.record.stopped.get(action.stream);
    if (action.kind === 'resume') return this.#resume(action);
    if (action.kind === 'redrive') return this.#redrive(action, stop);
    return stop ? this.#skipStopped(action, stop) : this.#skip(action);
  }

  #resume(action: LaneAction): EndedOrder {
    if (this.record.state === 'running') return this.#refuse(action, 'the lane is running');
    return {
      // A person has said to go on: nothing is suspected any more, and what nobody knew the outcome of is to be sent.
      change: {
        state: 'running',
        failure: stillDoubted(leftInDoubt(this.record.failure)),
        suspects: 0,
        executed: [{ id: action.id, outcome: 'done' }],
      },
      event: { name: 'resumed', event: this.#place },
    };
  }

  #redrive(action: LaneAction, stop: StoppedStream | undefined): EndedOrder {
    if (!stop) return this.#refuse(action, 'the stream is not stopped');
    // Ordered twice: what has become of the message since, whoever ordered it cannot know.
    if (stop.state === 'redriving') return this.#refuse(action, 'the stream is being redriven already');
    return {
      change: { ...goOn(stop, stop.fromRevision), executed: [{ id: action.id, outcome: 'done' }] },
      event: { name: 'resumed', event: { ...this.#place, stream: stop.stream } },
    };
  }

  async #skip(action: LaneAction): Promise<EndedOrder> {
    const { stores, route, hold } = this.options;
    const { messageId } = action;
    const { failure, checkpoint, stopped } = this.record;
    const { name, order, selection, batchSize } = route;
    const limit = Math.max(batchSize, MOST_LOOKED_THROUGH);
    if (failure?.messageId !== messageId) return this.#refuse(action, 'the lane does not stand at this message');
    const page = await stores.lanes.read({ route: name, lane: hold.lease.lane, order, selection, after: checkpoint, limit });
    const rows = page.rows.filter(({ stream }) => !stopped.has(stream));
    const place = rows.findIndex(({ id }) => id === messageId);
    const row = rows[place];
    if (!row) return this.#refuse(action, 'the lane does not stand at this message');
    // Commits that came after the lane had stopped may lie before the message: they must not be passed by with it.
    const late = rows.slice(0, place);
    const isAlone = route.writesAhead || this.record.suspects > 0 || doubtedBy(failure).length > 0;
    const refused = isAlone ? await this.#deliverOneByOne(late) : await this.#deliverInBatches(late);
    if (refused !== undefined) return this.#refuse(action, refused);
    return this.#pass(action, row, { checkpoint: row.checkpoint, state: 'running', failure: this.#othersInDoubt(), suspects: 0 });
  }

  /** @returns why the message cannot be skipped yet */
  async #deliverInBatches(late: readonly OutboxRow[]): Promise<string | undefined> {
    const { batchSize } = this.options.route;
    for (let begin = 0; begin < late.length; begin += batchSize) {
      const batch = late.slice(begin, begin + batchSize);
      const { failure, attempts, settles } = await this.delivery.ofRows(batch, 1);
      if (failure) return `resume the lane first, for a late commit before the message was not accepted: ${failure.message}`;
      await this.record.settle({ checkpoint: batch.at(-1)!.checkpoint, attempts, ...settles });
    }
    return undefined;
  }

  /**
   * Each is written down before it is tried, as in the lane's own pages. Where one fails, or the process is gone with it, the lane goes on with that
   * one, and what else is in doubt stays so: to resume it would be to say that the message is to be sent.
   *
   * @returns why the message cannot be skipped yet
   */
  async #deliverOneByOne(late: readonly OutboxRow[]): Promise<string | undefined> {
    const { record } = this;
    for (const row of late) {
      const { state, failure: stoodAt } = record.progress;
      const before = doubtedBy(stoodAt);
      const wasInDoubt = before.some(({ messageId }) => messageId === row.id);
      await record.settle({ state: 'running', failure: besides(suspect(row, 1, undefined), before) });
      const {
        failure: error,
        inDoubt,
        attempts,
        settles,
      } = await this.delivery.ofRows([row], 1, wasInDoubt || !this.options.route.writesAhead);
      if (error) {
        const isInDoubt = wasInDoubt || inDoubt === true;
        const verdict = { kind: 'outage', attempts: 0 } as const;
        const others = before.filter(({ messageId }) => messageId !== row.id);
        await record.settle({ failure: failureOf({ row, error, verdict, nextTryAt: undefined, isInDoubt }, others), attempts });
        return `a late commit before the message was not accepted, so the lane goes on with that one; skip the message when the lane stands at it again: ${error.message}`;
      }
      await record.settle({ checkpoint: row.checkpoint, state, failure: stoodAt && resolved(stoodAt, row), attempts, ...settles });
    }
    return undefined;
  }

  async #skipStopped(action: LaneAction, stop: StoppedStream): Promise<EndedOrder> {
    const { stores, route, hold } = this.options;
    const { name, order, selection } = route;
    const tail = { stream: stop.stream, from: stop.fromRevision, upTo: this.record.checkpoint, limit: 1 };
    const [row] = await stores.lanes.readTail({ route: name, lane: hold.lease.lane, order, selection, ...tail });
    if (row?.id !== action.messageId) return this.#refuse(action, 'the stream does not stand at this message');
    return this.#pass(action, row!, goOn(stop, row!.revision + 1n));
  }

  /** A stream without this revision would make a sink of whole streams refuse every later one: a placeholder takes the place. */
  async #pass(action: LaneAction, row: OutboxRow, change: Partial<Settlement>): Promise<EndedOrder> {
    const { route, clock } = this.options;
    const { reason = '' } = action;
    const { needsWholeStreams = false } = route.sink;
    const placed = needsWholeStreams ? await this.delivery.ofMessages([skippedMessage(row, reason)], 1) : undefined;
    if (placed?.failure) return this.#refuse(action, `the sink did not take the placeholder: ${placed.failure.message}`);
    const line = { messageIds: [row.id], outcome: 'skipped', startedAt: clock.now(), durationMs: 0, detail: reason } as const;
    return {
      change: {
        ...change,
        ...placed?.settles,
        ...(needsWholeStreams && { placeholders: [{ stream: row.stream, revision: row.revision }] }),
        executed: [{ id: action.id, outcome: 'done' }],
        attempts: [...(change.attempts ?? []), line],
      },
      event: { name: 'skipped', event: { ...this.#place, message: named(row), reason } },
    };
  }

  #refuse({ id, kind }: LaneAction, note: string): EndedOrder {
    return {
      change: { executed: [{ id, outcome: 'refused', note }] },
      event: { name: 'order-refused', event: { ...this.#place, order: kind, note } },
    };
  }

  #othersInDoubt(): LaneFailure | undefined {
    const { failure } = this.record;
    return stillDoubted(doubtedBy(failure).filter(({ messageId }) => messageId !== failure!.messageId));
  }

  get #place(): { readonly route: string; readonly lane: number } {
    return { route: this.options.route.name, lane: this.options.hold.lease.lane };
  }
}

const goOn = (stop: StoppedStream, fromRevision: bigint): Pick<Settlement, 'stopped'> => ({
  stopped: [{ ...stop, fromRevision, state: 'redriving', failure: saidToSend(stop.failure) }],
});
