import type { Mark } from '../../outbox/outbox-identity.js';

/**
 * Remembers an outbox's marks where no restore of its database takes them back, so that a restored or cloned database is noticed.
 *
 * Both methods are linearizable: what was recorded is seen by every later look. `EventStoreDB` has one.
 */
export interface Witness {
  /** The last mark that was recorded of this outbox. */
  last(outboxId: string): Promise<Mark | undefined>;

  /**
   * Records a mark right behind the one before it, number 0 where there is none. Idempotent.
   *
   * @returns false when the last mark is neither this one nor the one before it: nothing was changed
   */
  record(mark: Mark): Promise<boolean>;
}
