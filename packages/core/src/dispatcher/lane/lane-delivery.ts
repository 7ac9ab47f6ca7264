import { LeaseLostError, MessageRejectedError, OutcomeUnknownError, SinkUnavailableError, isWaybillError } from '../../errors.js';
import type { DeliveryFailure } from '../../errors.js';
import type { DeliveryAttempt } from '../../outbox/delivery-attempt.js';
import type { Settlement } from '../../outbox/lane-store.js';
import { outboxMessage } from '../../outbox/outbox-message.js';
import type { OutboxMessage } from '../../outbox/outbox-message.js';
import type { OutboxRow } from '../../outbox/outbox-row.js';
import type { Delivery, DeliveryContext } from '../../sink/sink.js';
import { named } from '../dispatcher-events.js';
import type { DispatcherEvent } from '../dispatcher-events.js';
import type { LaneOptions } from './lane-options.js';
import { lastPlaces } from './last-delivered.js';
import type { LastDelivered } from './last-delivered.js';
import { repliesOf } from './replies.js';
import { retryAfterMsOf } from '../failure/retry-after.js';
import type { Route } from '../route.js';
import { unlessDeaf } from './unless-deaf.js';

export interface DeliveryOfMessages extends Delivery {
  /** What must be stored with the place behind what was accepted: what answers became, and which messages were the last. */
  readonly settles: Pick<Settlement, 'replies' | 'delivered'>;
}

export interface DeliveryOfRows extends DeliveryOfMessages {
  /** How much the route had got accepted when the sink was called. */
  readonly acceptedBefore: number;
  /** What came of it, for the history. */
  readonly attempts: readonly DeliveryAttempt[];
  readonly events: readonly DispatcherEvent[];
}

/** The part of a lane that talks to the sink: rows become messages, and what the sink says becomes a prefix and a failure. */
export class LaneDelivery {
  constructor(
    private readonly options: Omit<LaneOptions, 'progress'>,
    /** Aborts when the lane is lost, or a stop takes too long. */
    readonly signal: AbortSignal,
    private readonly lastDelivered: LastDelivered,
  ) {}

  /**
   * Delivers the rows up to the first that cannot be read, which counts as refused by the sink.
   *
   * @throws {@link LeaseLostError}, or what the database says that was asked which messages came before; the sink was not called
   */
  async ofRows(rows: readonly OutboxRow[], attempt: number, mayBeRepeat = false): Promise<DeliveryOfRows> {
    const { clock, health, hold } = this.options;
    const { messages, unreadable } = this.#messagesOf(rows);
    const [startedAt, start] = [clock.now(), clock.monotonic()];
    const acceptedBefore = health.accepted;
    const delivery = messages.length > 0 ? await this.ofMessages(messages, attempt, mayBeRepeat) : { accepted: 0, settles: {} };
    const failure = delivery.failure ?? unreadable;
    const durationMs = clock.monotonic() - start;

    const isUnknown = isWaybillError(failure, 'OUTCOME_UNKNOWN');
    const answered = {
      accepted: delivery.accepted > 0 || (delivery.acceptedBeyond?.length ?? 0) > 0,
      unavailable: isUnknown || isWaybillError(failure, 'SINK_UNAVAILABLE'),
      retryAfterMs: retryAfterMsOf(failure),
    };
    // Of one that is in doubt already, and that only a person can find out about, the target was not even asked.
    const wasAsked = messages.length > 0 && !(mayBeRepeat && isUnknown && failure.final && !answered.accepted);
    const turn = wasAsked ? health.answered(hold.lease.lane, answered) : health.leave(hold.lease.lane);
    const events: DispatcherEvent[] = [];
    if (delivery.accepted > 0) events.push(this.#delivered(messages, delivery.accepted, durationMs));
    if (turn === 'down') events.push({ name: 'outage', event: { route: this.options.route.name, error: failure! } });
    if (turn === 'up') events.push({ name: 'recovered', event: { route: this.options.route.name } });

    const attempts: DeliveryAttempt[] = [];
    const tried = (ids: readonly OutboxRow[], outcome: DeliveryAttempt['outcome'], detail: string | undefined): void =>
      void attempts.push({ messageIds: ids.map(({ id }) => id), outcome, startedAt, durationMs, detail });
    if (delivery.accepted > 0) tried(rows.slice(0, delivery.accepted), 'delivered', answerOf(delivery));
    if (failure) {
      const outcome = isWaybillError(failure, 'MESSAGE_REJECTED') ? 'rejected' : isUnknown ? 'unknown' : 'unavailable';
      tried(rows.slice(delivery.accepted, delivery.accepted + 1), outcome, failure.message);
    }
    return { ...delivery, ...(failure && { failure }), acceptedBefore, attempts, events };
  }

  async ofMessages(messages: readonly OutboxMessage[], attempt: number, mayBeRepeat = false): Promise<DeliveryOfMessages> {
    const { route, hold, logger, clock } = this.options;
    const { lane, epoch } = hold.lease;
    const context: DeliveryContext = {
      ...{ signal: this.signal, route: route.name, lane, order: route.order, epoch, attempt, mayBeRepeat, logger },
      previous: route.sink.tellsPrevious ? await this.lastDelivered.before(messages) : () => undefined,
    };
    // What was read or stored before may have taken longer than the lease, and a process that was frozen may not have seen its timer yet.
    if (!hold.held()) throw new LeaseLostError(route.name, lane, epoch);
    const trouble: Trouble = (cause, detail) => troubleOf(cause, detail, route, messages[0]!);
    hold.isUnsettled = true;
    try {
      const delivery = checked(await unlessDeaf(route.sink.deliver(messages, context), this.signal, clock), messages.length, trouble);
      return { ...delivery, settles: this.#settles(delivery, messages) };
    } catch (cause) {
      return { accepted: 0, failure: trouble(cause), settles: {} };
    }
  }

  /** @throws Error a reply cannot be stored: then nothing was accepted */
  #settles(delivery: Delivery, messages: readonly OutboxMessage[]): DeliveryOfMessages['settles'] {
    const { route, catalogue, clock } = this.options;
    const replies = delivery.replies ? repliesOf(delivery, messages, { route: route.name, catalogue, occurredAt: clock.now() }) : [];
    return {
      ...(replies.length > 0 && { replies }),
      ...(route.sink.tellsPrevious && delivery.accepted > 0 && { delivered: lastPlaces(messages.slice(0, delivery.accepted)) }),
    };
  }

  /** Rows in today's shape, up to the first that cannot be read. */
  #messagesOf(rows: readonly OutboxRow[]): { readonly messages: readonly OutboxMessage[]; readonly unreadable?: MessageRejectedError } {
    const { catalogue, route } = this.options;
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

  #delivered(messages: readonly OutboxMessage[], count: number, durationMs: number): DispatcherEvent {
    const { clock, route, hold } = this.options;
    const last = messages[count - 1]!;
    const sinceCommitMs = clock.now().getTime() - last.recordedAt.getTime();
    return { name: 'delivered', event: { route: route.name, lane: hold.lease.lane, count, last: named(last), durationMs, sinceCommitMs } };
  }
}

/** Text, also of a sink that no compiler has checked: what cannot be stored would stop its lane. */
function answerOf({ answer }: { readonly answer?: unknown }): string | undefined {
  if (answer === undefined || typeof answer === 'string') return answer;
  return JSON.stringify(answer) ?? typeof answer;
}

const KNOWN_FAILURES = ['MESSAGE_REJECTED', 'SINK_UNAVAILABLE', 'OUTCOME_UNKNOWN'] as const;

/** What a sink answered; where that makes no sense, nothing counts as accepted, for to deliver again is safe and to leave out is not. */
function checked(delivery: Delivery, asked: number, trouble: Trouble): Delivery {
  const { accepted, failure } = delivery;
  if (accepted === asked && !failure) return delivery;
  if (!failure || !Number.isInteger(accepted) || accepted < 0 || accepted >= asked) {
    const detail = `it answered "${accepted} of ${asked} accepted"${failure ? ` and a failure (${String(failure)})` : ' and no failure'}, which no sink may do`;
    return { accepted: 0, failure: trouble(failure, detail) };
  }
  if (KNOWN_FAILURES.some((code) => isWaybillError(failure, code))) return delivery;
  return { accepted, failure: trouble(failure) }; // a sink that is not checked by a compiler
}

type Trouble = (cause: unknown, detail?: string) => DeliveryFailure;

/** What a sink should not have thrown, or answered. Where its target must not get anything twice, nobody knows what came of it then. */
function troubleOf(cause: unknown, detail: string | undefined, { name, writesAhead }: Route, { id }: OutboxMessage): DeliveryFailure {
  if (detail === undefined && isWaybillError(cause, 'OUTCOME_UNKNOWN')) return cause;
  const why = detail ?? (cause instanceof Error ? cause.message : String(cause));
  const retryAfterMs =
    isWaybillError(cause, 'SINK_UNAVAILABLE') || isWaybillError(cause, 'TARGET_UNAVAILABLE') ? cause.retryAfterMs : undefined;
  const nothingWasDone = isWaybillError(cause, 'TARGET_UNAVAILABLE') || isWaybillError(cause, 'SINK_UNAVAILABLE');
  if (writesAhead && !(nothingWasDone && detail === undefined)) return new OutcomeUnknownError(`route ${name}`, id, why, { cause });
  return new SinkUnavailableError(why, { cause, retryAfterMs });
}
