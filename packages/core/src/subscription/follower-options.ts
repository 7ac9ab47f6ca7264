import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import type { RetryOptions } from '../dispatcher/backoff.js';
import type { Logger } from '../logger.js';
import type { Reached } from '../moment.js';
import type { EventLog } from './event-log.js';
import type { FollowerEvent } from './follower-events.js';
import type { Following } from './following.js';
import type { SubscriptionProgress } from './subscription-store.js';

export interface FollowerOptions<Tx> {
  /** Durable name: the position is stored under it. */
  readonly subscription: string;
  readonly log: EventLog;
  /** Where the position is stored, and transactions move it on. */
  readonly database: Pick<Database<Tx>, 'subscriptions' | 'transactions'>;
  readonly following: Following<Tx>;
  /** Where a subscription that is not known yet begins. Default `beginning`. */
  readonly start?: 'beginning' | 'now' | undefined;
  /** Name of this process among the holders. Default: host, process id and something random. */
  readonly instance?: string | undefined;
  /** How long the lease holds without being renewed, in milliseconds. Default 10,000. */
  readonly leaseMs?: number | undefined;
  /** Tries of one message, and the waits between tries of anything. As of a route: 10 tries, 200 to 30,000 ms. */
  readonly retry?: RetryOptions | undefined;
  /** A log that hands out nothing, not even that nothing is there, for so many milliseconds is followed anew. Default 60,000. */
  readonly silenceMs?: number | undefined;
  readonly clock?: Clock | undefined;
  /** 0 (inclusive) to 1 (exclusive), for jitter. */
  readonly random?: (() => number) | undefined;
  readonly logger?: Logger | undefined;
  readonly reached?: Reached | undefined;
  readonly on?: ((event: FollowerEvent) => void) | undefined;
  /**
   * Awaited under the lease, outside any transaction, when all that is there is handled and the position stored: `progress` is as stored. It
   * is called again, about once a second while the log stays caught up and nothing arrives, until it answers `done`. What it throws is
   * told, and waited out like the database's trouble.
   */
  readonly whenCaughtUp?: ((progress: SubscriptionProgress, signal: AbortSignal) => Promise<'done' | 'again'>) | undefined;
}
