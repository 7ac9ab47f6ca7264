import { MessageRejectedError } from '../errors.js';
import type { DeliveryAttempt } from '../outbox/delivery-attempt.js';
import type { LaneFailure } from '../outbox/lane-progress.js';
import type { OutboxRow } from '../outbox/outbox-row.js';

const SUSPECTED = 'SUSPECTED_CRASH';
/** Processes that one message may take down before the route's policy deals with it. */
const MOST_CRASHES = 3;

/** What is stored before a message is tried alone: whoever finds it there knows that the process was gone before the sink had answered. */
export const suspect = ({ id, stream, revision }: OutboxRow, attempts: number): LaneFailure => ({
  ...{ messageId: id, stream, revision, attempts, nextTryAt: undefined, code: SUSPECTED },
  error: 'This message is tried alone. Should the process be gone before the sink answers, the try counts as failed.',
});

/** The failure that a former holder left behind when it was gone in the middle of trying this message alone; `undefined` where none did. */
export function crashOf(failure: LaneFailure | undefined, row: OutboxRow, most: number): MessageRejectedError | undefined {
  if (failure?.messageId !== row.id || failure.code !== SUSPECTED) return undefined;
  const detail = `the process was gone while it delivered this message alone, ${failure.attempts} tries in a row`;
  return new MessageRejectedError(row.id, row.stream, row.revision, detail, { final: failure.attempts >= Math.min(most, MOST_CRASHES) });
}

export const crashLine = ({ id }: OutboxRow, at: Date, { message }: Error): DeliveryAttempt => ({
  ...{ messageIds: [id], outcome: 'crashed', startedAt: at, durationMs: 0, detail: message },
});
