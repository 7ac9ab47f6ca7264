import type { FollowerOptions } from './follower-options.js';

/**
 * Follows a log under a durable name: one process at a time, from the stored position on, in batches that commit together with it.
 *
 * Internal: consumers and projections are made of it.
 */
export class Follower<Tx> {
  /** @throws {@link InvalidOptionsError} options that cannot work */
  constructor(private readonly options: FollowerOptions<Tx>) {}

  /**
   * Registers the subscription and begins; resolves before the lease is had, for another process may hold it. Idempotent.
   *
   * @throws {@link SubscriptionRefusedError} it is known with another log's positions
   * @throws what log and database throw where `start` is `now`, or it cannot be registered; then nothing runs
   */
  start(_signal?: AbortSignal): Promise<void> {
    return Promise.reject(new Error(`${this.options.subscription} cannot be followed yet`));
  }

  /** Ends what is under way (its signal aborts, its transaction rolls back or commits), and gives the lease back. Idempotent. */
  stop(): Promise<void> {
    return Promise.resolve();
  }
}
