import type { SubscriptionFailure } from './subscription-store.js';

/** What happens to a subscription in this process. */
export interface FollowerEvents {
  /** This process holds the lease now. */
  readonly acquired: { readonly subscription: string; readonly epoch: bigint; readonly takenOver: boolean };
  /** The effects of so many messages are committed, and everything up to the position is done. */
  readonly advanced: { readonly subscription: string; readonly position: bigint; readonly messages: number };
  /** All that was there is handled; from here on messages are handled as they are written. */
  readonly 'caught-up': { readonly subscription: string; readonly position: bigint | undefined };
  readonly 'fell-behind': { readonly subscription: string };
  /** Something failed; it goes on by itself at `failure.nextTryAt`. */
  readonly waiting: { readonly subscription: string; readonly failure: SubscriptionFailure; readonly error: unknown };
  /** It waits for a person. */
  readonly stopped: { readonly subscription: string; readonly failure: SubscriptionFailure };
  readonly paused: { readonly subscription: string };
  /** A person has let it go on; `skipped` is the id of the message that was passed by. */
  readonly resumed: { readonly subscription: string; readonly skipped: string | undefined; readonly reason: string | undefined };
  /** Somebody else holds it now, or it was removed. Nothing was committed since. */
  readonly 'lease-lost': { readonly subscription: string; readonly epoch: bigint };
  readonly released: { readonly subscription: string; readonly epoch: bigint };
}

export type FollowerEvent = {
  readonly [Name in keyof FollowerEvents]: { readonly name: Name; readonly event: FollowerEvents[Name] };
}[keyof FollowerEvents];
