import type { LogRecord } from '../log/record.js';
import type { Committed } from '../store/event-store.js';

/** One message to a subscriber. A checkpoint says how far a filtered subscription has looked. */
export type Delivery =
  | { readonly kind: 'event'; readonly record: LogRecord }
  | { readonly kind: 'checkpoint'; readonly commit: number; readonly prepare: number };

/** What a subscription delivers: first by asking for the next event, then by being told of commits. Remembers how far it has come. */
export interface SubscriptionSource {
  /** The next delivery from the log; `undefined` when everything readable has been looked at. */
  next(): Delivery | undefined;

  /** What to send on reaching the end of the log, if anything. */
  atEnd(): Delivery | undefined;

  /** What of this commit to deliver; nothing of what {@link next} has delivered already. */
  take(committed: Committed): readonly Delivery[];

  /** Goes back, so that {@link next} gives this record again. */
  rewind(record: LogRecord): void;
}
