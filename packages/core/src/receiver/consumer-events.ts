import type { FollowerEvents } from '../subscription/follower-events.js';

interface OfMessage {
  readonly consumer: string;
  readonly messageId: string;
  readonly type: string;
}

/** What happens to what a receiver hands out. */
export interface ReceiverEvents {
  /** Its effects are committed, and the source knows. */
  readonly acked: OfMessage;
  /** A handler failed: the source delivers it again. */
  readonly retried: OfMessage & { readonly reason: string };
  /** The source has set it aside, for a person. */
  readonly parked: OfMessage & { readonly reason: string };
  /** The source, the database, or something that a handler calls is away; it is tried again in `waitMs`. */
  readonly outage: { readonly consumer: string; readonly error: unknown; readonly waitMs: number };
}

/** What happens to a consumer: over a log as to a subscription, over a receiver to each message. */
export interface ConsumerEvents extends FollowerEvents, ReceiverEvents {}
