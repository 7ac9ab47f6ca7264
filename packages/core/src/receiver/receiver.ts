import type { Arrival } from './arrival.js';

/** One delivery. Exactly one of its three answers is given; without one, or after a lost connection, it is delivered again. */
export interface Received {
  readonly arrival: Arrival;
  /** How often it was delivered before, as far as the source knows: 0 for the first time. */
  readonly redeliveries: number;
  /** It is handled: the source may forget it. */
  ack(): Promise<void>;
  /** Deliver it again, to whichever consumer. The source counts these, and parks what has used up its own. */
  retry(reason: string): Promise<void>;
  /** Set it aside at the source, with the reason, for a person. */
  park(reason: string): Promise<void>;
}

/**
 * A source that hands out messages to competing consumers and remembers itself who has had what: a broker's queue, a persistent subscription.
 *
 * Delivery is at least once and in no order that could be relied on.
 */
export interface Receiver {
  /** What it is, for logs and errors. */
  readonly name: string;

  /**
   * Connects, and yields deliveries until `signal` aborts. Hands out no more than it is asked for, beside a small buffer. It does not come
   * back by itself: what it throws is the source's trouble, and whoever consumes calls it again.
   */
  receive(options: { readonly signal: AbortSignal }): AsyncIterable<Received>;
}
