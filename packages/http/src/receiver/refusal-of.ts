import { isWaybillError } from '@waybill/core';
import { Refusal, retryAfter } from './refusal.js';

/** When it is worth another try where nobody says, in milliseconds. */
const TRY_AGAIN_MS = 5_000;

const TROUBLE = [
  'DATABASE_UNAVAILABLE',
  'COMMIT_OUTCOME_UNKNOWN', // the claim is found by the next try, if it was committed
  'SINK_UNAVAILABLE',
  'TARGET_UNAVAILABLE',
] as const;

/**
 * What a sender is told of an intake's error: what it has to know of its own message, and of everything else no word.
 *
 * A handler's unknown outcome is passed on as what it is, 504: to a sender that knows the receiver's inbox it is worth another try like 503, and
 * one that does not must not send again on its own.
 */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (isWaybillError(error, 'UNKNOWN_MESSAGE_TYPE'))
    return new Refusal('unknown-type', `Messages of type ${error.type} are not known here.`);
  if (isWaybillError(error, 'INVALID_PAYLOAD')) return new Refusal('invalid-payload', error.message);
  if (isWaybillError(error, 'INVALID_STREAM_NAME')) return new Refusal('malformed', error.message);
  if (isWaybillError(error, 'PAYLOAD_TOO_LARGE'))
    return new Refusal('oversized', `The payload has ${error.bytes} bytes; the limit is ${error.limitBytes}.`);
  if (isWaybillError(error, 'PREDECESSOR_MISSING')) return new Refusal('predecessor-missing', error.message);
  if (isWaybillError(error, 'STALE_SENDER')) return new Refusal('stale-sender', error.message);
  if (isWaybillError(error, 'REVISION_TAKEN')) return new Refusal('revision-taken', error.message);
  if (isWaybillError(error, 'OUTCOME_UNKNOWN'))
    return new Refusal('outcome-unknown', 'What the handler of the message called has not told what became of it.');
  // Over at once; with Retry-After the sender would hold back all its other messages, too.
  if (isWaybillError(error, 'TRANSACTION_CONFLICT'))
    return new Refusal('unavailable', 'Other messages were in its way. Nothing is lost: send it again.');
  for (const code of TROUBLE) if (isWaybillError(error, code)) return unavailable('retryAfterMs' in error ? error.retryAfterMs : undefined);
  return new Refusal('failed', "Its handler failed; what was done in the database is rolled back. The receiver's log tells why.");
}

const unavailable = (retryAfterMs = TRY_AGAIN_MS): Refusal =>
  new Refusal('unavailable', 'What is needed to take it is away or busy. Nothing is lost: send it again.', retryAfter(retryAfterMs));
