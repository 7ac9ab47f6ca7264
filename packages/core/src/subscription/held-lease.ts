import { Bell } from '../bell.js';
import type { Clock } from '../clock.js';
import { delay } from '../clock.js';
import { answeredWithin } from '../answered-within.js';
import { instant, LeaseHold } from '../lease-hold.js';
import type { Instant } from '../lease-hold.js';
import type { SubscriptionLease, SubscriptionOrders, SubscriptionStore } from './subscription-store.js';

export interface HeldLeaseOptions {
  readonly subscriptions: Pick<SubscriptionStore<never>, 'renew'>;
  readonly clock: Clock;
  readonly leaseMs: number;
}

const NO_ORDERS: SubscriptionOrders = { paused: false, resume: undefined };

/** This process's lease of a subscription: renewed while it lasts, which also brings what operators want. */
export class HeldLease {
  /** Rings when operators want something else than before. */
  readonly heard = new Bell();
  readonly #hold: LeaseHold<SubscriptionLease>;
  readonly #ended = new AbortController();
  #orders: SubscriptionOrders | undefined;

  constructor(
    lease: SubscriptionLease,
    askedAt: Instant,
    private readonly options: HeldLeaseOptions,
  ) {
    this.#hold = new LeaseHold(lease, options.clock, options.leaseMs, askedAt);
  }

  get lease(): SubscriptionLease {
    return this.#hold.lease;
  }

  /** Aborts when nothing may be done under the lease any longer. */
  get signal(): AbortSignal {
    return this.#hold.signal;
  }

  get orders(): SubscriptionOrders {
    return this.#orders ?? NO_ORDERS;
  }

  /** Whether operators' orders were heard at all. */
  get isKnown(): boolean {
    return this.#orders !== undefined;
  }

  held(): boolean {
    return this.#hold.held();
  }

  lose(): void {
    this.#hold.lose();
  }

  /** The order to resume is carried out. */
  resumed(): void {
    this.#orders = { ...this.orders, resume: undefined };
  }

  /** Renews now and every third of the lease until it ends. */
  async renew(): Promise<void> {
    const { subscriptions, clock, leaseMs } = this.options;
    const over = AbortSignal.any([this.signal, this.#ended.signal]);
    while (!over.aborted && this.held()) {
      const askedAt = instant(clock);
      // Not answered, or refused for now: the lease runs until its deadline.
      const answer = answeredWithin(leaseMs, clock, subscriptions.renew(this.lease, leaseMs)).catch(() => 'no answer' as const);
      const renewed = await answer;
      if (renewed === undefined) this.lose();
      else if (renewed !== 'no answer') {
        this.#hold.extend(renewed.lease, leaseMs, askedAt);
        this.#hear(renewed.orders);
      }
      await delay(clock, leaseMs / 3, over);
    }
  }

  /** Renews no more. */
  end(): void {
    this.#ended.abort();
    this.#hold.drop();
  }

  #hear(orders: SubscriptionOrders): void {
    const { paused, resume } = this.orders;
    const isFirst = !this.isKnown;
    this.#orders = orders;
    if (isFirst || orders.paused !== paused || (orders.resume !== undefined && resume === undefined)) this.heard.ring();
  }
}
