import type { CompleteFollowerOptions } from './follower-options.js';
import type { HeldLease } from './held-lease.js';
import { LogPass } from './log-pass.js';
import type { SubscriptionRecord } from './subscription-record.js';
import type { SubscriptionFailure } from './subscription-store.js';

export interface TenureOptions<Tx> {
  readonly options: CompleteFollowerOptions<Tx>;
  readonly lease: HeldLease;
  readonly record: SubscriptionRecord<Tx>;
  /** Aborts when no more is to be begun. */
  readonly stopping: AbortSignal;
  /** Aborts when what is under way is to be cut short. */
  readonly cut: AbortSignal;
}

/** How soon something is stored that could not be. */
const AGAIN_MS = 1_000;

/**
 * What a process does with a subscription while it holds it: follow the log, wait after trouble, stand still when it is stopped or paused.
 *
 * Resolves when the lease is lost, or nothing more is to be begun. @returns false when the lease must not be given back
 */
export async function tenure<Tx>({ options, lease, record, stopping, cut }: TenureOptions<Tx>): Promise<boolean> {
  const { clock, subscription, on } = options;
  const ended = AbortSignal.any([stopping, lease.signal]);
  let isPaused = false;
  let mayRelease = true;

  while (lease.held() && !stopping.aborted) {
    if (lease.orders.resume) await resume();
    else if (lease.orders.paused !== isPaused) await pause(lease.orders.paused);
    else if (isPaused || record.state === 'stopped') await hear(Infinity);
    else if (record.waitMs > 0) await hear(record.waitMs);
    else await follow();
  }
  return mayRelease;

  async function follow(): Promise<void> {
    const pass = new LogPass({ options, lease, record, ended, cut });
    try {
      await record.refresh();
      await pass.run();
    } catch (error) {
      await record.trouble(error);
    }
    mayRelease = pass.mayRelease;
  }

  async function pause(paused: boolean): Promise<void> {
    isPaused = paused;
    record.caughtUp = false;
    await record.report();
    if (paused) on({ name: 'paused', event: { subscription } });
    else on({ name: 'resumed', event: { subscription, skipped: undefined, reason: undefined } });
  }

  async function resume(): Promise<void> {
    const { skip, reason } = lease.orders.resume!;
    const { message } = record.failure ?? {};
    const isSkipped = skip !== undefined && message?.id === skip;
    try {
      await record.refresh();
      if (isSkipped) await passBy(message);
      // A skip of another message than the one it stands at is out of date.
      if (!(await record.resume(skip === undefined || isSkipped))) return await hear(AGAIN_MS);
    } catch (error) {
      await record.trouble(error);
      return hear(record.waitMs);
    }
    on({ name: 'resumed', event: { subscription, skipped: isSkipped ? skip : undefined, reason } });
  }

  async function passBy({ position, stream, revision }: NonNullable<SubscriptionFailure['message']>): Promise<void> {
    const { transactions, subscriptions } = options.database;
    const step = { position, lastMessage: position, messages: 0, streams: [{ stream, revision }] };
    await transactions.run((tx) => subscriptions.advance(lease.lease, step, tx), cut);
    record.advanced(position, position);
  }

  /** Waits until operators want something else, but no longer than so; and stores what could not be stored before. */
  async function hear(ms: number): Promise<void> {
    const waitMs = record.isUnreported ? Math.min(ms, AGAIN_MS) : ms;
    const woken = new AbortController();
    const cancel = waitMs === Infinity ? (): void => {} : clock.after(waitMs, () => woken.abort());
    await lease.heard.next(AbortSignal.any([ended, woken.signal]));
    cancel();
    if (record.isUnreported && lease.held()) await record.report();
  }
}
