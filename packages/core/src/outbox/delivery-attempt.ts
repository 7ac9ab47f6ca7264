/**
 * What became of one try: the sink took the messages, refused the first, could not be reached, does not know what came of it, or the process
 * was gone before it answered.
 */
export type DeliveryOutcome = 'delivered' | 'rejected' | 'unavailable' | 'unknown' | 'crashed' | 'skipped' | 'discarded';

/** Tries that failed. */
export const FAILED_OUTCOMES: readonly DeliveryOutcome[] = ['rejected', 'unavailable', 'unknown', 'crashed'];

/** One line of the delivery history: what was tried, when, and what came of it. */
export interface DeliveryAttempt {
  /** Ids of the messages: a whole batch that was delivered, or the one that was not. */
  readonly messageIds: readonly string[];
  readonly outcome: DeliveryOutcome;
  /** When the sink was called, by the holder's clock. */
  readonly startedAt: Date;
  readonly durationMs: number;
  /** What the target answered, or why it failed. Kept up to 1,000 characters. */
  readonly detail: string | undefined;
}

export interface StoredAttempt extends Omit<DeliveryAttempt, 'messageIds'> {
  readonly route: string;
  readonly lane: number;
  /** The dispatcher that tried. */
  readonly instance: string;
  /** How many messages the try was made with. */
  readonly batchSize: number;
}
