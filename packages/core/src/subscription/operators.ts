import type { Clock } from '../clock.js';
import { systemClock } from '../clock.js';
import { InvalidOptionsError } from '../errors.js';
import type { StoredSubscription, SubscriptionStore } from './subscription-store.js';

/** A subscription, and how far behind its log it is. */
export interface SubscriptionStatus extends StoredSubscription {
  /** From its position to the end of the log as last looked at, in the log's unit; `undefined`: nobody has looked yet. */
  readonly behind: bigint | undefined;
  /** 0 when caught up; else the age of the last message that was handled, in milliseconds; `undefined`: none was. */
  readonly lagMs: number | undefined;
}

export interface ResumeOptions {
  /** Id of the message that it stands at: it is passed by. */
  readonly skip?: string;
  /** Needed with `skip`: a later reader will ask. */
  readonly reason?: string;
}

/** What a person does with subscriptions, from any process; whoever holds one sees orders when it renews its lease. */
export class SubscriptionOperators {
  readonly #store: SubscriptionStore<never>;
  readonly #clock: Clock;

  constructor({ subscriptions, clock = systemClock }: { readonly subscriptions: SubscriptionStore<never>; readonly clock?: Clock }) {
    this.#store = subscriptions;
    this.#clock = clock;
  }

  /** Stored, also over restarts, until {@link SubscriptionOperators.resume}. @throws {@link InvalidOptionsError} there is no such subscription */
  async pause(subscription: string): Promise<void> {
    this.#known(subscription, await this.#store.order(subscription, { paused: true }));
  }

  /**
   * Lets a paused or stopped subscription go on.
   *
   * @throws {@link InvalidOptionsError} there is no such subscription; a message is to be skipped without a reason, or another than it stands at
   */
  async resume(subscription: string, { skip, reason }: ResumeOptions = {}): Promise<void> {
    if (skip !== undefined && (typeof reason !== 'string' || reason.trim() === ''))
      throw new InvalidOptionsError(`To pass message ${skip} by, say why: a later reader will ask. Pass { skip, reason }.`);
    if (skip !== undefined) await this.#refuseToSkipAnother(subscription, skip);
    this.#known(subscription, await this.#store.order(subscription, { resume: { skip, reason } }));
    await this.#store.order(subscription, { paused: false });
  }

  async status(subscription: string): Promise<SubscriptionStatus | undefined> {
    const stored = await this.#store.find(subscription);
    return stored && this.#withLag(stored);
  }

  async all(): Promise<readonly SubscriptionStatus[]> {
    return (await this.#store.all()).map((stored) => this.#withLag(stored));
  }

  #withLag(stored: StoredSubscription): SubscriptionStatus {
    const { head, position = 0n, caughtUp, lastOccurredAt } = stored;
    const behind = head === undefined ? undefined : head > position ? head - position : 0n;
    const ageMs = lastOccurredAt && Math.max(0, this.#clock.now().getTime() - lastOccurredAt.getTime());
    return { ...stored, behind, lagMs: caughtUp ? 0 : ageMs };
  }

  async #refuseToSkipAnother(subscription: string, messageId: string): Promise<void> {
    const at = (await this.#store.find(subscription))?.failure?.message?.id;
    if (at !== messageId)
      throw new InvalidOptionsError(
        `Subscription "${subscription}" does not stand at message ${messageId}${at === undefined ? '' : `, but at ${at}`}; only the one that it stands at can be skipped.`,
      );
  }

  #known(subscription: string, known: boolean): void {
    if (!known)
      throw new InvalidOptionsError(
        `There is no subscription "${subscription}": it is known once a process has started it. Is the name right?`,
      );
  }
}
