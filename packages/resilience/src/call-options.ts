/** One try of a call. */
export interface CallAttempt {
  /** Aborts when the caller does, and when the time for the try is over. */
  readonly signal: AbortSignal;
  /** 1 for the first. */
  readonly attempt: number;
  /** The idempotency key: hand it to the target. */
  readonly key: string;
}

/**
 * What a target answers to the question whether it did something.
 *
 * `not-done` means: it was not done, and what was sent earlier will not be done any more. A target that cannot tell what is still under
 * way has to be answered for with `unknown`: `not-done` is followed by another send.
 */
export type QueryAnswer<Result> =
  { readonly outcome: 'done'; readonly result: Result } | { readonly outcome: 'not-done' } | { readonly outcome: 'unknown' };

/** Asks the target whether what was sent under `key` was done. What it throws counts as `unknown`. */
export type Query<Result> = (key: string, options: { readonly signal: AbortSignal }) => Promise<QueryAnswer<Result>>;

/** What a failed try tells: nothing was done; nobody knows; or the target has answered, and this is its answer. */
export type FailedOutcome = 'not-done' | 'unknown' | 'answered';

export interface CallOptions<Result> {
  /** The idempotency key: the message's id, unless one message leads to several calls. */
  readonly key: string;
  /** Ends the call at once: with the signal's reason where nothing was sent, otherwise with `OUTCOME_UNKNOWN`. */
  readonly signal?: AbortSignal;
  /** It may have been sent before, by a process that did not live to tell. Default false. */
  readonly mayBeRepeat?: boolean;
  /** Needed for `onUnknownOutcome: 'query'`. */
  readonly query?: Query<Result>;
  /** Default {@link outcomeOf}. Where it throws, the outcome is unknown. */
  readonly outcomeOf?: (error: unknown) => FailedOutcome;
}
