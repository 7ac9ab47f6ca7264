import type { MessagePlace } from '../outbox/delivery-status.js';

/** The right to move a subscription on, held by one process until `expiresAt`. */
export interface SubscriptionLease {
  readonly subscription: string;
  /** Grows with every change of holder; every write of a holder is fenced by it. */
  readonly epoch: bigint;
  /** By the database's clock. Holders count their own deadline from before they asked. */
  readonly expiresAt: Date;
}

/** `running` reads; `waiting` tries again at `nextTryAt`; `stopped` waits for a person, also over restarts. */
export type SubscriptionState = 'running' | 'waiting' | 'stopped';

/** What a subscription stands at, or waits for. */
export interface SubscriptionFailure {
  /** The message that was being handled, whoever is to blame (`attempts` counts its own failures); absent: the log, or the database, is away. */
  readonly message: (MessagePlace & { readonly id: string; readonly type: string; readonly position: bigint }) | undefined;
  /** Tries of this message that failed; 0 without one. */
  readonly attempts: number;
  readonly nextTryAt: Date | undefined;
  readonly code: string;
  readonly error: string;
}

/** How far a subscription has come. */
export interface SubscriptionProgress {
  /** Everything up to here is done: its effects are committed. `undefined`: nothing yet. */
  readonly position: bigint | undefined;
  /** Position of the last message among it; `undefined`: there was none. */
  readonly lastMessage: bigint | undefined;
  readonly state: SubscriptionState;
  readonly failure: SubscriptionFailure | undefined;
}

export interface AcquireSubscriptionOptions {
  readonly subscription: string;
  /** Name of the process, for people. */
  readonly owner: string;
  readonly leaseMs: number;
}

/** The lease, and where its holder goes on. */
export interface SubscriptionGrant {
  readonly lease: SubscriptionLease;
  readonly progress: SubscriptionProgress;
  /** True when the last holder did not release: it was killed, cut off, or is frozen. */
  readonly takenOver: boolean;
}

/** What an operator wants of a subscription, whoever holds it. */
export interface SubscriptionOrders {
  /** Neither read nor handle until it is resumed. */
  readonly paused: boolean;
  /** Go on from a `stopped` state; passing this message by if it names one. Taken away by the holder's next {@link SubscriptionStore.report}. */
  readonly resume: { readonly skip: string | undefined; readonly reason: string | undefined } | undefined;
}

/** One of them: pause or go on; or resume. */
export type SubscriptionOrder = { readonly paused: boolean } | { readonly resume: NonNullable<SubscriptionOrders['resume']> };

export interface RenewedSubscription {
  readonly lease: SubscriptionLease;
  readonly orders: SubscriptionOrders;
}

/** What a holder tells of itself, beside what it commits. */
export interface SubscriptionReport {
  readonly state: SubscriptionState;
  readonly failure: SubscriptionFailure | undefined;
  /** Whether it had read all there was, and handled it. */
  readonly caughtUp: boolean;
  /** The last position of the log, as known; `undefined`: not known. */
  readonly head: bigint | undefined;
  /** True where an order to resume was carried out: it is taken away. */
  readonly resumed: boolean;
}

/** A subscription as operators see it. */
export interface StoredSubscription extends SubscriptionProgress {
  readonly subscription: string;
  /** {@link EventLog.positions}. */
  readonly positions: string;
  readonly paused: boolean;
  /** Instance that holds the lease; `undefined` when nobody does. */
  readonly owner: string | undefined;
  readonly epoch: bigint;
  /** As last reported, or false when nobody holds it. */
  readonly caughtUp: boolean;
  readonly head: bigint | undefined;
  /** When the last message whose effects are committed had occurred. */
  readonly lastOccurredAt: Date | undefined;
  /** Messages whose effects are committed, since the beginning. */
  readonly messages: bigint;
  /** When its progress was last committed, by the database's clock. */
  readonly movedAt: Date | undefined;
}

/** How far one transaction takes a subscription. */
export interface SubscriptionAdvance {
  readonly position: bigint;
  /** Position of the last message of this transaction; absent where it has none. */
  readonly lastMessage?: bigint;
  readonly lastOccurredAt?: Date;
  /** How many messages it has. */
  readonly messages: number;
  /** The last revision of each stream among them: who waits for a message looks here. */
  readonly streams: readonly MessagePlace[];
}

/**
 * Where the subscriptions of an application are in their logs, and who moves each of them on: the checkpoint store.
 *
 * Each is leased to one process at a time, like a lane. Its position is written in the transaction of the effects, under the lease's epoch:
 * of two processes that both believe to hold it, one commits.
 */
export interface SubscriptionStore<Tx> {
  /**
   * Makes a subscription known, unless it is. Idempotent, safe from several processes at once.
   *
   * @param start - where a new one begins: behind this position; `undefined`: at the beginning
   * @throws {@link SubscriptionRefusedError} it is known with other `positions`, in which its place means nothing
   */
  register(subscription: string, positions: string, start: bigint | undefined): Promise<void>;

  /** Takes it if nobody holds it: never held, released, or expired. `undefined`: somebody does, or it is not known. */
  acquire(options: AcquireSubscriptionOptions): Promise<SubscriptionGrant | undefined>;

  /** Prolongs a lease, and brings what operators want. `undefined`: it belongs to somebody else by now, or the subscription was removed. */
  renew(lease: SubscriptionLease, leaseMs: number): Promise<RenewedSubscription | undefined>;

  /** Gives a lease back, so that the next `acquire` need not wait until it expires. One that was lost is left alone. */
  release(lease: SubscriptionLease): Promise<void>;

  /**
   * Moves on inside `tx`, where a failure that was stored is taken away. The subscription stays locked until `tx` ends. Neither position nor a
   * stream's revision ever goes back.
   *
   * @throws {@link SubscriptionLostError} the lease's epoch is not the subscription's any more, or it was removed; roll back
   */
  advance(lease: SubscriptionLease, advance: SubscriptionAdvance, tx: Tx): Promise<void>;

  /**
   * Stores state and failure under the lease.
   *
   * @throws {@link SubscriptionLostError} nothing was changed
   */
  report(lease: SubscriptionLease, report: SubscriptionReport): Promise<void>;

  /** An operator's order, for whoever holds it. @returns false when there is no such subscription */
  order(subscription: string, order: SubscriptionOrder): Promise<boolean>;

  /** One as it is now, also inside `tx`, where it is locked until `tx` ends. */
  find(subscription: string, tx?: NoInfer<Tx>): Promise<StoredSubscription | undefined>;

  /** All of them, by name. */
  all(): Promise<readonly StoredSubscription[]>;

  /** The last revision of each of these streams that the subscription has done; a stream of which it has done nothing is left out. */
  passed(subscription: string, streams: readonly string[]): Promise<readonly MessagePlace[]>;

  /** Forgets it inside `tx`, with what it has passed: whoever holds it commits nothing more. @returns false when there is none */
  remove(subscription: string, tx: Tx): Promise<boolean>;
}
