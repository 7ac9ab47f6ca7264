import type { Arrival } from '../receiver/arrival.js';

/** One step along a log. Positions only grow. */
export type LogEntry =
  | (Arrival & { readonly position: bigint })
  /** Looked at as far as here: nothing that is wanted lies between. */
  | { readonly kind: 'passed'; readonly position: bigint }
  /** All that was there is read; from here on entries come as they are written. */
  | { readonly kind: 'caught-up' }
  /** Not any more: much was written at once. */
  | { readonly kind: 'fell-behind' };

export interface FollowOptions {
  /** Begin behind this position; `undefined`: at the beginning. */
  readonly after: bigint | undefined;
  /** Types that are wanted, former names included, for a log that can leave out the others at its server. What else it yields is passed by. */
  readonly types: readonly string[] | undefined;
  readonly signal: AbortSignal;
}

/**
 * An ordered log of messages that can be read from any place and then followed: an event store's stream, or all of it.
 *
 * It remembers nobody: whoever follows keeps the position, in the transaction of what it does with the messages.
 */
export interface EventLog {
  /** What it is, for logs and errors: `category order of EventStoreDB`. */
  readonly name: string;

  /** What its positions are places in. A stored position is of use only where this is the same. At most 500 bytes. */
  readonly positions: string;

  /** What positions count: events, or bytes of the log. How far a follower is behind is told in it. */
  readonly unit: 'events' | 'bytes';

  /** Whether messages of this stream can come at all. */
  selectsStream(stream: string): boolean;

  /**
   * Yields entries in order until `signal` aborts; hands out no more than it is asked for, beside a small buffer. It does not come back by
   * itself: what it throws (also for silence that lasts too long) is the log's trouble, and whoever follows calls it again.
   *
   * @throws {@link InvalidOptionsError} it can never be followed like this
   */
  follow(options: FollowOptions): AsyncIterable<LogEntry>;

  /**
   * Position of the last entry that is there now, of whatever type; `undefined`: nothing is.
   *
   * @param options.reached - up to where whoever asks has handled it. It is the answer of a log from which all was taken away since
   * (deleted, expired), and which goes on counting behind it.
   */
  last(options: { readonly signal: AbortSignal; readonly reached?: bigint | undefined }): Promise<bigint | undefined>;
}
