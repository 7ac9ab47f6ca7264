import { setMaxListeners } from 'node:events';
import type { Clock } from '../clock.js';
import type { DispatchStores } from '../database.js';
import { LeaseLostError, MessageRejectedError, SinkUnavailableError, isWaybillError } from '../errors.js';
import type { WaybillError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Catalogue } from '../message/catalogue.js';
import type { Reached } from '../moment.js';
import type { LaneAction } from '../outbox/lane-action.js';
import type { LaneFailure, LaneProgress, LaneState } from '../outbox/lane-progress.js';
import type { ExecutedAction, LanePage } from '../outbox/lane-store.js';
import { outboxMessage, skippedMessage } from '../outbox/outbox-message.js';
import type { OutboxMessage } from '../outbox/outbox-message.js';
import type { Checkpoint, OutboxRow } from '../outbox/outbox-row.js';
import type { Delivery } from '../sink/sink.js';
import { backoffMs } from './backoff.js';
import { named } from './dispatcher-events.js';
import type { DispatcherEvent } from './dispatcher-events.js';
import type { LaneHold } from './lane-hold.js';
import type { Route } from './route.js';

export interface LaneOptions {
  readonly route: Route;
  readonly hold: LaneHold;
  readonly progress: LaneProgress;
  readonly stores: DispatchStores;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly reached: Reached | undefined;
  /** Cuts a delivery short when a stop takes too long. */
  readonly cut: AbortSignal;
}

/** What one step did, and when the next one is due: at once, when woken, after so many milliseconds, or never. */
export interface Step {
  readonly events: readonly DispatcherEvent[];
  readonly next: 'more' | 'idle' | 'over' | { readonly waitMs: number };
}

/** An operator's order as it ended: what to store, and what to tell then. */
interface EndedOrder {
  readonly progress: LaneProgress;
  readonly executed: ExecutedAction;
  readonly event: DispatcherEvent;
}

const SAVE_IDLE_PROGRESS_MS = 5_000;

/**
 * The work of a lane, one step at a time: read a batch, deliver it, settle it.
 *
 *     running --message refused--> waiting --tries used up--> halted
 *        ^----------next try worked--'  '-----resume, skip-----'
 *
 * A sink's outage waits too, but uses up no tries. Every change of state is stored in the settlement, fenced by the lease.
 */
export class LaneSteps {
  readonly #options: LaneOptions;
  readonly #signal: AbortSignal;
  #checkpoint: Checkpoint;
  #state: LaneState;
  #failure: LaneFailure | undefined;
  #failuresInARow = 0;
  #notBefore = 0;
  #ahead: Promise<LanePage> | undefined;
  #unanswered: EndedOrder | undefined;
  // Rows that the route does not select were passed up to here. Only stored from time to time, and never read from: after a crash of
  // the database a place that it has not stored may mean something else.
  #passed: Checkpoint | undefined;
  #savedAt: number;

  constructor(options: LaneOptions) {
    const { progress, clock, hold, cut } = options;
    this.#options = options;
    this.#signal = AbortSignal.any([hold.signal, cut]);
    setMaxListeners(0, this.#signal); // a sink may listen once for every message in flight
    this.#checkpoint = progress.checkpoint;
    this.#state = progress.state;
    this.#failure = progress.failure;
    this.#savedAt = clock.monotonic();
    if (progress.failure?.nextTryAt) this.#notBefore = clock.monotonic() + progress.failure.nextTryAt.getTime() - clock.now().getTime();
  }

  /**
   * Never rejects: what goes wrong becomes an event and a wait.
   *
   * @param attend - look for orders of operators first
   */
  async step(attend: boolean): Promise<Step> {
    const { route, hold, clock, random } = this.#options;
    const events: DispatcherEvent[] = [];
    try {
      if (!hold.held()) return this.#over();
      if (this.#unanswered) events.push(await this.#end(this.#unanswered));
      if (attend) await this.#attend(events);
      if (this.#state === 'halted') return { events, next: 'idle' };
      const waitMs = this.#notBefore - clock.monotonic();
      if (waitMs > 0) return { events, next: { waitMs } };
      const delivered = await this.#deliverNext();
      return { ...delivered, events: [...events, ...delivered.events] };
    } catch (error) {
      this.#ahead = undefined;
      this.#passed = undefined;
      if (isWaybillError(error, 'LEASE_LOST')) hold.lose();
      if (hold.signal.aborted) return this.#over();
      const trouble = { name: 'trouble', event: { ...this.#place, doing: 'running a lane', error } } as const;
      const waitMs = backoffMs(++this.#failuresInARow, route.retry, random);
      this.#notBefore = clock.monotonic() + waitMs; // wake-ups do not shorten it
      return { events: [...events, trouble], next: { waitMs } };
    }
  }

  /** Stores the place reached, where rows were passed that the route does not select. */
  async finish(): Promise<void> {
    if (this.#passed && this.#options.hold.held())
      await this.#settle({ checkpoint: this.#passed, state: this.#state, failure: this.#failure });
  }

  get #place(): { readonly route: string; readonly lane: number } {
    return { route: this.#options.route.name, lane: this.#options.hold.lease.lane };
  }

  #over(): Step {
    return { events: [{ name: 'lease-lost', event: { ...this.#place, epoch: this.#options.hold.lease.epoch } }], next: 'over' };
  }

  async #deliverNext(): Promise<Step> {
    const { route, reached, clock } = this.#options;
    const ahead = this.#ahead;
    const page = await (ahead ?? this.#read(this.#checkpoint, route.batchSize));
    this.#ahead = undefined;
    // A page that was read ahead knows nothing of what was committed since, and the wake-up for that came before this step.
    const more = page.more || ahead !== undefined;
    if (page.rows.length === 0) return await this.#drained(page.through, more);
    await reached?.('read');
    // The next page is on its way while this one is delivered; a failure forgets it.
    if (page.more) this.#readAhead(page.through);

    const startedAt = clock.monotonic();
    const { messages, unreadable } = this.#messagesOf(page.rows);
    const delivery = messages.length > 0 ? await this.#deliver(messages) : { accepted: 0 };
    const failure = delivery.failure ?? unreadable;
    await reached?.('delivered');
    if (!this.#options.hold.held()) return this.#over();

    const events: DispatcherEvent[] = [];
    if (delivery.accepted > 0) events.push(this.#deliveredEvent(messages, delivery.accepted, startedAt));
    if (failure) {
      this.#ahead = undefined;
      return await this.#stopAt(page.rows, delivery.accepted, failure, events);
    }
    await this.#settle({ checkpoint: page.through, state: 'running', failure: undefined });
    await reached?.('settled');
    return { events, next: more ? 'more' : 'idle' };
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

  async #drained(through: Checkpoint, more: boolean): Promise<Step> {
    this.#passed = through;
    this.#failuresInARow = 0;
    if (this.#options.clock.monotonic() - this.#savedAt > SAVE_IDLE_PROGRESS_MS) await this.finish();
    return { events: [], next: more ? 'more' : 'idle' };
  }

  /** Rows in today's shape, up to the first that cannot be read: that one is rejected as if the sink had done it. */
  #messagesOf(rows: readonly OutboxRow[]): { readonly messages: readonly OutboxMessage[]; readonly unreadable?: MessageRejectedError } {
    const { catalogue, route } = this.#options;
    const messages: OutboxMessage[] = [];
    for (const row of rows) {
      try {
        const message = outboxMessage(row, catalogue);
        if (!message.known && route.unknownTypes === 'halt') {
          const detail = `type ${row.type}, schema version ${row.schemaVersion}, is not in this process's catalogue, and the route says unknownTypes: 'halt'`;
          return { messages, unreadable: new MessageRejectedError(row.id, row.stream, row.revision, detail, { final: true }) };
        }
        messages.push(message);
      } catch (cause) {
        const detail = cause instanceof Error ? cause.message : String(cause);
        return { messages, unreadable: new MessageRejectedError(row.id, row.stream, row.revision, detail, { cause, final: true }) };
      }
    }
    return { messages };
  }

  async #deliver(messages: readonly OutboxMessage[]): Promise<Delivery> {
    const { route, hold, logger } = this.#options;
    const context = {
      signal: this.#signal,
      ...this.#place,
      order: route.order,
      epoch: hold.lease.epoch,
      attempt: this.#attemptsOf(messages[0]!.id) + 1,
      logger,
    };
    try {
      return checked(await route.sink.deliver(messages, context), messages.length);
    } catch (cause) {
      return { accepted: 0, failure: new SinkUnavailableError(cause instanceof Error ? cause.message : String(cause), { cause }) };
    }
  }

  #attemptsOf(messageId: string): number {
    return this.#failure?.messageId === messageId ? this.#failure.attempts : 0;
  }

  async #stopAt(
    rows: readonly OutboxRow[],
    accepted: number,
    error: SinkUnavailableError | MessageRejectedError,
    events: DispatcherEvent[],
  ): Promise<Step> {
    const { route, clock, random } = this.#options;
    const row = rows[accepted]!;
    const rejected = isWaybillError(error, 'MESSAGE_REJECTED');
    const attempts = this.#attemptsOf(row.id) + (rejected ? 1 : 0);
    const halted = rejected && (error.final || attempts >= route.attempts);
    this.#failuresInARow = accepted > 0 ? 1 : this.#failuresInARow + 1;
    const waitMs = backoffMs(this.#failuresInARow, route.retry, random);

    await this.#settle({
      checkpoint: accepted > 0 ? rows[accepted - 1]!.checkpoint : this.#checkpoint,
      state: halted ? 'halted' : 'waiting',
      failure: {
        ...{ messageId: row.id, stream: row.stream, revision: row.revision, attempts, code: error.code, error: error.message },
        nextTryAt: halted ? undefined : new Date(clock.now().getTime() + waitMs),
      },
    });
    await this.#options.reached?.('settled');
    this.#notBefore = clock.monotonic() + waitMs;
    const at = { ...this.#place, message: named(row), error: error as WaybillError, attempts };
    if (halted) return { events: [...events, { name: 'halted', event: at }], next: 'idle' };
    return { events: [...events, { name: 'waiting', event: { ...at, waitMs } }], next: { waitMs } };
  }

  async #settle(progress: LaneProgress, executed: readonly ExecutedAction[] = []): Promise<void> {
    const { stores, hold, clock } = this.#options;
    if (!hold.held()) throw new LeaseLostError(hold.lease.route, hold.lease.lane, hold.lease.epoch);
    await stores.lanes.settle(hold.lease, { ...progress, executed });
    this.#checkpoint = progress.checkpoint;
    this.#state = progress.state;
    this.#failure = progress.failure;
    this.#passed = undefined;
    this.#savedAt = clock.monotonic();
    if (progress.state !== 'running') return;
    this.#failuresInARow = 0;
    this.#notBefore = 0;
  }

  #deliveredEvent(messages: readonly OutboxMessage[], count: number, startedAt: number): DispatcherEvent {
    const { clock } = this.#options;
    const last = messages[count - 1]!;
    const sinceCommitMs = clock.now().getTime() - last.recordedAt.getTime();
    return {
      name: 'delivered',
      event: { ...this.#place, count, last: named(last), durationMs: clock.monotonic() - startedAt, sinceCommitMs },
    };
  }

  /** Carries out what operators have ordered. */
  async #attend(events: DispatcherEvent[]): Promise<void> {
    const { stores, hold } = this.#options;
    for (const action of await stores.actions.due([hold.lease])) {
      events.push(await this.#end(action.kind === 'skip' ? await this.#skip(action) : this.#resume(action)));
    }
  }

  async #end(order: EndedOrder): Promise<DispatcherEvent> {
    // Stored again until the answer comes: an order that has ended is due no more, and this lane would never learn that it went on.
    this.#unanswered = order;
    await this.#settle(order.progress, [order.executed]);
    this.#unanswered = undefined;
    return order.event;
  }

  #resume(action: LaneAction): EndedOrder {
    if (this.#state === 'running') return this.#refuse(action, 'the lane is running');
    return {
      progress: { checkpoint: this.#checkpoint, state: 'running', failure: undefined },
      executed: { id: action.id, outcome: 'done' },
      event: { name: 'resumed', event: this.#place },
    };
  }

  async #skip(action: LaneAction): Promise<EndedOrder> {
    const { route } = this.#options;
    const { messageId, reason = '' } = action;
    const rows = this.#failure?.messageId === messageId ? (await this.#read(this.#checkpoint, route.batchSize)).rows : [];
    const place = rows.findIndex(({ id }) => id === messageId);
    const row = rows[place];
    if (!row) return this.#refuse(action, 'the lane does not stand at this message');
    // Commits that came after the lane had stopped may lie before the message: they must not be passed by with it.
    const { messages: late, unreadable } = this.#messagesOf(rows.slice(0, place));
    const failure = (late.length > 0 ? (await this.#deliver(late)).failure : undefined) ?? unreadable;
    if (failure)
      return this.#refuse(action, `resume the lane first, for a late commit before the message was not accepted: ${failure.message}`);
    if (route.sink.needsWholeStreams) {
      // A stream without this revision would refuse every later one: a placeholder takes the place.
      const { failure: refused } = await this.#deliver([skippedMessage(row, reason)]);
      if (refused) return this.#refuse(action, `the sink did not take the placeholder: ${refused.message}`);
    }
    return {
      progress: { checkpoint: row.checkpoint, state: 'running', failure: undefined },
      executed: { id: action.id, outcome: 'done' },
      event: { name: 'skipped', event: { ...this.#place, message: named(row), reason } },
    };
  }

  #refuse({ id, kind }: LaneAction, note: string): EndedOrder {
    return {
      progress: { checkpoint: this.#checkpoint, state: this.#state, failure: this.#failure },
      executed: { id, outcome: 'refused', note },
      event: { name: 'order-refused', event: { ...this.#place, order: kind, note } },
    };
  }
}

/** What a sink answered; where that makes no sense, nothing counts as accepted, for to deliver again is safe and to leave out is not. */
function checked(delivery: Delivery, asked: number): Delivery {
  const { accepted, failure } = delivery;
  if (accepted === asked && !failure) return delivery;
  if (!failure || !Number.isInteger(accepted) || accepted < 0 || accepted >= asked) {
    const detail = `it answered "${accepted} of ${asked} accepted"${failure ? ` and a failure (${String(failure)})` : ' and no failure'}, which no sink may do`;
    return { accepted: 0, failure: new SinkUnavailableError(detail, { cause: failure }) };
  }
  if (isWaybillError(failure, 'MESSAGE_REJECTED') || isWaybillError(failure, 'SINK_UNAVAILABLE')) return delivery;
  const cause: unknown = failure; // a sink that is not checked by a compiler
  return { accepted, failure: new SinkUnavailableError(cause instanceof Error ? cause.message : String(cause), { cause }) };
}
