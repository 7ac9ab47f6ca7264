import type { DeliveryAttempt, LaneLease, Settlement, StoppedStream } from '@waybill/core';
import { plainJson, plainText } from './plain-text.js';
import { windowOf } from './snapshot-window.js';
import { uuidArray } from './uuid-array.js';

/** Longest answer of a target that the history keeps. */
const MOST_DETAIL = 1_000;

/** False for what most settlements are: a place, and one line for the history. */
export function hasExtras({ executed, stopped, resumed, discarded, placeholders, delivered, attempts = [] }: Settlement): boolean {
  const writes = [executed, stopped, resumed, discarded, placeholders, delivered];
  return attempts.length > 1 || writes.some((write) => write !== undefined && write.length > 0);
}

/** The parameters of the usual statement, or of the other one where there is more. */
export function settlementValues(lease: LaneLease, settlement: Settlement): readonly unknown[] {
  const { from, floor, ceiling, to, toFloor, toCeiling, position, incarnation } = windowOf(settlement.checkpoint);
  const { state, failure, suspects, attempts = [] } = settlement;
  return [
    ...[lease.route, lease.lane, String(lease.epoch), from, floor, ceiling, to, toFloor, toCeiling, position, state],
    ...[failure?.messageId, failure?.stream, failure && String(failure.revision), String(failure?.attempts ?? 0)],
    ...[failure?.nextTryAt && String(failure.nextTryAt.getTime()), failure?.code, failure && plainText(failure.error), String(suspects)],
    incarnation,
    ...lineValues(attempts.length === 1 ? attempts[0] : undefined),
    ...(hasExtras(settlement) ? extraValues(settlement) : []),
  ];
}

function lineValues(attempt: DeliveryAttempt | undefined): readonly unknown[] {
  if (!attempt) return [undefined, undefined, undefined, undefined, undefined];
  const { outcome, messageIds, startedAt, durationMs } = attempt;
  return [outcome, uuidArray(messageIds), String(startedAt.getTime()), String(durationMs), detailOf(attempt)];
}

function extraValues({
  executed = [],
  stopped = [],
  resumed = [],
  discarded = [],
  placeholders = [],
  delivered = [],
  attempts = [],
}: Settlement): readonly string[] {
  const staying = stopped.filter(({ stream }) => !resumed.includes(stream)); // one statement writes a row once
  return [
    plainJson(attempts.length > 1 ? attempts.map(lineColumns) : []),
    plainJson(executed),
    plainJson(staying.map(stoppedColumns)),
    plainJson(resumed),
    plainJson(discarded.map(({ messageId, stream, reason }) => ({ message_id: messageId, stream, reason }))),
    plainJson(placeholders.map(({ stream, revision }) => ({ stream, revision }))),
    plainJson(delivered.map(({ stream, revision }) => ({ stream, revision }))),
  ];
}

const lineColumns = (attempt: DeliveryAttempt): object => ({
  ...{ outcome: attempt.outcome, first_id: attempt.messageIds[0], message_ids: `{${attempt.messageIds.join()}}` },
  ...{ started_at: attempt.startedAt, duration_ms: attempt.durationMs, detail: detailOf(attempt) },
});

const detailOf = ({ detail }: DeliveryAttempt): string | undefined =>
  detail === undefined ? undefined : plainText(detail.slice(0, MOST_DETAIL));

const stoppedColumns = ({ stream, fromRevision, state, failure, stoppedAt }: StoppedStream): object => ({
  ...{ stream, from_revision: fromRevision, state, failed_id: failure.messageId, failed_stream: failure.stream },
  ...{ failed_revision: failure.revision, attempts: failure.attempts, next_try_at: failure.nextTryAt, error_code: failure.code },
  ...{ last_error: failure.error, stopped_at: stoppedAt },
});
