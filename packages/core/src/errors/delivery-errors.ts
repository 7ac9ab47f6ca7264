import { WaybillError } from './waybill-error.js';

/** The sink's trouble: unreachable, overloaded, or its outcome is unknown. No message is blamed. */
export class SinkUnavailableError extends WaybillError {
  readonly code = 'SINK_UNAVAILABLE';
  /** How long the target asks to be left alone, in milliseconds: the lane waits for at least as long, but never for more than an hour. */
  readonly retryAfterMs: number | undefined;

  constructor(detail: string, options?: ErrorOptions & { readonly retryAfterMs?: number | undefined }) {
    super(`The sink is not available: ${clause(detail)}. The lane waits and tries again.`, options);
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** The message's trouble: the sink is well and refuses it. */
export class MessageRejectedError extends WaybillError {
  readonly code = 'MESSAGE_REJECTED';
  /** True when trying again cannot help: the lane halts at once instead of after `retry.attempts`. */
  readonly final: boolean;

  constructor(
    readonly messageId: string,
    readonly stream: string,
    readonly revision: bigint,
    detail: string,
    options?: ErrorOptions & { readonly final?: boolean },
  ) {
    super(`Message ${messageId} (${stream}@${revision}) was refused: ${clause(detail)}.`, options);
    this.final = options?.final ?? false;
  }
}

/**
 * The target may have done what it was asked for, or not: its answer was lost, or late. To send again could do it twice.
 *
 * A sink that can ask the target fails with this until it has an answer; a lane then waits, as in an outage. With `final` nobody can be
 * asked but a person, and the route's failure policy takes over: `resume` or `redrive` sends again, `skip` is for what was done.
 */
export class OutcomeUnknownError extends WaybillError {
  readonly code = 'OUTCOME_UNKNOWN';
  /** True when only a person can find out. */
  readonly final: boolean;

  constructor(
    readonly target: string,
    /** Under which the target was asked: the message's id, unless said otherwise. */
    readonly key: string,
    detail: string,
    options?: ErrorOptions & { readonly final?: boolean },
  ) {
    super(
      `Nobody knows whether ${target} has done ${key}: ${clause(detail)}. ` +
        (options?.final === true
          ? 'Look there: skip the message if it was done; if it was not, resume the lane (or redrive the stream), which sends it again.'
          : 'It is not sent again before the target has told.'),
      options,
    );
    this.final = options?.final ?? false;
  }
}

/** Why a sink did not accept a message. */
export type DeliveryFailure = SinkUnavailableError | MessageRejectedError | OutcomeUnknownError;

/** A target of calls to the outside cannot be reached, is overloaded, or is not asked at the moment. Nothing was done there. */
export class TargetUnavailableError extends WaybillError {
  readonly code = 'TARGET_UNAVAILABLE';
  /** How long it is best left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly target: string,
    detail: string,
    options?: ErrorOptions & { readonly retryAfterMs?: number | undefined },
  ) {
    super(`${target} is not available: ${clause(detail)}. Nothing was done there; it is safe to try again.`, options);
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** A notifier could not tell anybody. */
export class NotificationFailedError extends WaybillError {
  readonly code = 'NOTIFICATION_FAILED';
  /** True when trying again cannot help: the address is wrong, or the alarm is refused. */
  readonly final: boolean;
  /** How long the other side asks to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(detail: string, options?: ErrorOptions & { readonly final?: boolean; readonly retryAfterMs?: number | undefined }) {
    super(`The alarm was not taken: ${detail}.`, options);
    this.final = options?.final ?? false;
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** What others said, in the middle of a sentence of ours: on one line, without its own full stop. */
function clause(detail: string): string {
  return String(detail)
    .trim()
    .replace(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '');
}
