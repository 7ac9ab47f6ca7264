import { delay } from '../clock.js';
import { backoffMs } from '../backoff.js';
import { answeredWithin } from '../answered-within.js';
import { instant } from '../lease-hold.js';
import type { Instant } from '../lease-hold.js';
import { completeFollowerOptions } from './follower-options.js';
import type { CompleteFollowerOptions, FollowerOptions } from './follower-options.js';
import { HeldLease } from './held-lease.js';
import { SubscriptionRecord } from './subscription-record.js';
import type { SubscriptionGrant } from './subscription-store.js';
import { tenure } from './tenure.js';

interface Run {
  /** Aborted when no more is to be begun. */
  readonly stopping: AbortController;
  /** Aborted when what is under way is to be cut short. */
  readonly cut: AbortController;
  readonly started: Promise<void>;
  readonly ended: Promise<void>;
}

const LOOK_FOR_LEASE_EVERY_MS = 1_000;

/**
 * Follows a log under a durable name: one process at a time, from the stored position on, in batches that commit together with it.
 *
 * After whatever fails it goes on from the stored position. Trouble of log or database is waited out; a message that fails is tried alone,
 * and stops the subscription when its tries are used up. Internal: consumers and projections are made of it.
 */
export class Follower<Tx> {
  readonly #options: CompleteFollowerOptions<Tx>;
  #run: Run | undefined;

  /** @throws {@link InvalidOptionsError} options that cannot work */
  constructor(options: FollowerOptions<Tx>) {
    this.#options = completeFollowerOptions(options);
  }

  /**
   * Registers the subscription and begins; resolves before the lease is had, for another process may hold it. Idempotent.
   *
   * @param signal - aborting it is the same as calling `stop`
   * @throws {@link SubscriptionRefusedError} it is known with another log's positions
   * @throws what log and database throw where `start` is `now`, or it cannot be registered; then nothing runs
   */
  async start(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return this.stop();
    if (this.#run?.stopping.signal.aborted) await this.stop(); // a stop under way comes first
    if (this.#run) return this.#run.started;
    const [stopping, cut] = [new AbortController(), new AbortController()];
    const started = this.#register(stopping.signal);
    const ended = started.then(
      () => this.#followUntil(stopping.signal, cut.signal),
      () => {},
    );
    const run = { stopping, cut, started, ended };
    this.#run = run;
    const onAbort = (): void => void this.stop();
    signal?.addEventListener('abort', onAbort, { once: true });
    void ended.then(() => signal?.removeEventListener('abort', onAbort));
    try {
      await started;
    } catch (error) {
      if (this.#run === run) this.#run = undefined;
      throw error;
    }
  }

  /**
   * Begins nothing more, waits for what is under way (at most `stopWithinMs`, then it is cut short), and gives the lease back. Idempotent.
   *
   * Work that does not listen to its signal is left alone a second later: what it does after that cannot commit.
   */
  async stop(): Promise<void> {
    const run = this.#run;
    if (!run) return;
    const { clock, stopWithinMs } = this.#options;
    run.stopping.abort();
    const cancel = clock.after(stopWithinMs, () => run.cut.abort());
    await run.ended;
    cancel();
    if (this.#run === run) this.#run = undefined;
  }

  async #register(stopping: AbortSignal): Promise<void> {
    const { subscription, log, database, start } = this.#options;
    const { subscriptions } = database;
    const isNew = start === 'now' && !(await subscriptions.find(subscription));
    await subscriptions.register(subscription, log.positions, isNew ? await log.last({ signal: stopping }) : undefined);
  }

  async #followUntil(stopping: AbortSignal, cut: AbortSignal): Promise<void> {
    const { subscription, database, instance, leaseMs, clock, retry, random, logger } = this.#options;
    for (let failures = 0; !stopping.aborted;) {
      const askedAt = instant(clock);
      try {
        const asked = database.subscriptions.acquire({ subscription, owner: instance, leaseMs });
        const grant = await answeredWithin(leaseMs, clock, asked);
        failures = 0;
        if (grant) await this.#hold(grant, askedAt, stopping, cut);
        else await delay(clock, Math.min(LOOK_FOR_LEASE_EVERY_MS, leaseMs / 3), stopping);
      } catch (error) {
        logger.warn({ error, subscription }, 'A subscription could not be leased; it is tried again');
        await delay(clock, backoffMs(++failures, retry, random), stopping);
      }
    }
  }

  async #hold(grant: SubscriptionGrant, askedAt: Instant, stopping: AbortSignal, cut: AbortSignal): Promise<void> {
    const { subscription, database, leaseMs, clock, on } = this.#options;
    const { subscriptions } = database;
    const lease = new HeldLease(grant.lease, askedAt, { subscriptions, clock, leaseMs });
    const { epoch } = grant.lease;
    on({ name: 'acquired', event: { subscription, epoch, takenOver: grant.takenOver } });
    void lease.renew();
    const ended = AbortSignal.any([stopping, lease.signal]);
    // Not before it is known what operators want: it may be paused.
    while (!lease.isKnown && !ended.aborted) await lease.heard.next(ended);
    const record = new SubscriptionRecord(this.#options, lease, grant);
    const mayRelease = await tenure({ options: this.#options, lease, record, stopping, cut });
    lease.end();
    if (lease.signal.aborted) return on({ name: 'lease-lost', event: { subscription, epoch } });
    if (!mayRelease) return;
    const released = await answeredWithin(leaseMs, clock, subscriptions.release(lease.lease)).then(
      () => true,
      () => false, // it runs out by itself
    );
    if (released) on({ name: 'released', event: { subscription, epoch } });
  }
}
