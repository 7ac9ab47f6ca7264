import { MessageRejectedError, OutcomeUnknownError } from '../../errors.js';
import type { DeliveryAttempt } from '../../outbox/delivery-attempt.js';
import type { LaneFailure } from '../../outbox/lane-progress.js';
import type { OutboxRow } from '../../outbox/outbox-row.js';
import type { Route } from '../route.js';
import { doubtedBy, isSuspected, SUSPECTED } from './doubt.js';

/** Processes that one message may take down before the route's policy deals with it. */
const MOST_CRASHES = 3;

/** A former holder that was gone in the middle of trying a message alone. */
export interface Crash {
  /** How many were in a row, with no answer of the sink in between. */
  readonly times: number;
  /** `final`: no further try may be made. */
  readonly error: MessageRejectedError | OutcomeUnknownError;
}

/**
 * What is stored before a message is tried alone: whoever finds it there knows that the process was gone before the sink had answered.
 *
 * @param attempts - with this one
 * @param before - the crash that the last try of this message ended with
 */
export const suspect = ({ id, stream, revision }: OutboxRow, attempts: number, before: Crash | undefined): LaneFailure => ({
  ...{ messageId: id, stream, revision, attempts, nextTryAt: undefined },
  // Refusals are attempts, too: how many crashes there were is kept apart from them.
  code: before ? `${SUSPECTED}_${before.times + 1}` : SUSPECTED,
  error: 'This message is tried alone. Should the process be gone before the sink answers, the try counts as failed.',
});

/** What was known of a message before this holder tried it. */
interface Before {
  readonly failure: LaneFailure | undefined;
  /** It may have reached the target: by then, or by this holder's own try. */
  isInDoubt: boolean;
}

/**
 * Tells whose suspicion is stored of a message. One that this holder has written down itself, or one that a holder left behind that gave the
 * lane back, is no crash: whoever wrote it lived, and nothing but the write after the try was lost. The message then is as it was before, but
 * that it may have reached its target.
 */
export class Suspicions {
  /** By message, from before the first of this holder's tries whose outcome is not stored yet. */
  readonly #before = new Map<string, Before>();

  constructor(private readonly takenOver: boolean) {}

  /** Before a try is written down. */
  tries({ id }: OutboxRow, before: Before): void {
    this.#before.set(id, { ...before });
  }

  /** From now on the target may have it. */
  sends({ id }: OutboxRow): void {
    const before = this.#before.get(id);
    if (before) before.isInDoubt = true;
  }

  /** What came of its last try. */
  stored({ id }: OutboxRow): void {
    this.#before.delete(id);
  }

  /** Whether the message may have reached its target before, from what is stored. */
  isInDoubt({ id }: OutboxRow, stored: LaneFailure | undefined): boolean {
    if (!doubtedBy(stored).some(({ messageId }) => messageId === id)) return false;
    if (stored!.messageId === id && !isSuspected(stored!)) return true;
    return this.#before.get(id)?.isInDoubt ?? true;
  }

  /** The message's own failure, from what is stored; `undefined` without one. */
  known({ id }: OutboxRow, stored: LaneFailure | undefined): LaneFailure | undefined {
    const suspected = stored?.messageId === id && isSuspected(stored);
    if (suspected && this.#before.has(id)) return this.#before.get(id)!.failure;
    this.#before.delete(id);
    if (suspected && !this.takenOver) return withdrawn(stored);
    return stored?.messageId === id ? stored : undefined;
  }
}

function withdrawn(failure: LaneFailure): LaneFailure {
  const times = timesOf(failure) - 1;
  const code = times === 0 ? 'MESSAGE_REJECTED' : times === 1 ? SUSPECTED : `${SUSPECTED}_${times}`;
  return { ...failure, attempts: failure.attempts - 1, code };
}

const timesOf = ({ code }: LaneFailure): number => Number(code.slice(SUSPECTED.length + 1) || 1);

export function crashOf(failure: LaneFailure | undefined, row: OutboxRow, { attempts, name, writesAhead }: Route): Crash | undefined {
  if (failure?.messageId !== row.id || !isSuspected(failure)) return undefined;
  const times = timesOf(failure);
  const detail = `the process was gone while it delivered this message alone, ${times} ${times === 1 ? 'time' : 'times in a row'}`;
  // Where each message is written down before it is sent, one kill says nothing of it: the sink may find out what came of the try.
  if (writesAhead) return { times, error: new OutcomeUnknownError(`route ${name}`, row.id, detail, { final: times >= MOST_CRASHES }) };
  const final = times >= MOST_CRASHES || failure.attempts >= attempts;
  return { times, error: new MessageRejectedError(row.id, row.stream, row.revision, detail, { final }) };
}

export const crashLine = ({ id }: OutboxRow, at: Date, { error }: Crash): DeliveryAttempt => ({
  ...{ messageIds: [id], outcome: 'crashed', startedAt: at, durationMs: 0, detail: error.message },
});
