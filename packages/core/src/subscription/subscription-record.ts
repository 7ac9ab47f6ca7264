import { answeredWithin } from '../answered-within.js';
import { backoffMs } from '../backoff.js';
import { storedText } from '../plain-text.js';
import { isWaybillError, SubscriptionLostError } from '../errors.js';
import { afterConflicts } from '../unit-of-work/after-conflicts.js';
import type { CompleteFollowerOptions } from './follower-options.js';
import type { Followed } from './following.js';
import type { HeldLease } from './held-lease.js';
import type { SubscriptionFailure, SubscriptionGrant, SubscriptionProgress, SubscriptionState } from './subscription-store.js';
import { codeOf, contentOf, CUT_SHORT, failedMessage, isFinal, isTrouble, leavesDoubt } from './troubles.js';

const DEFAULT_ATTEMPTS = 10;
const AN_HOUR_MS = 60 * 60 * 1_000;
/** A log may be read from a node that is behind the others: only one that says so again is believed. */
const BEHIND_TO_BE_BELIEVED = 3;

/** What its holder knows of a subscription, and what it stores of it. */
export class SubscriptionRecord<Tx> {
  #progress: SubscriptionProgress;
  /** After whatever failed only what is stored counts: a commit whose answer was lost is found there. */
  #isStale = false;
  #isUnreported = false;
  #troubles = 0;
  #behind = 0;
  #nextTryAt = -Infinity;
  /** Messages up to here are handled one by one: one of them fails. */
  #aloneThrough: bigint | undefined;
  caughtUp = false;
  head: bigint | undefined;
  mayBeRepeat: boolean;
  /** What was to be done when all was handled is done. */
  isDone = false;

  constructor(
    private readonly options: CompleteFollowerOptions<Tx>,
    private readonly lease: HeldLease,
    { progress, takenOver }: SubscriptionGrant,
  ) {
    const { clock, retry } = options;
    const isPast = isPassed(progress);
    const failure = isPast ? undefined : progress.failure;
    this.#progress = isPast ? { ...progress, state: 'running', failure } : progress;
    this.#aloneThrough = failure?.message?.position;
    this.mayBeRepeat = takenOver || leavesDoubt(failure);
    const waitMs = (failure?.nextTryAt?.getTime() ?? 0) - clock.now().getTime();
    if (waitMs > 0) this.#waitFor(Math.min(waitMs, Math.max(retry.maxMs ?? 30_000, AN_HOUR_MS)));
  }

  get progress(): SubscriptionProgress {
    return this.#progress;
  }

  get position(): bigint | undefined {
    return this.#progress.position;
  }

  get failure(): SubscriptionFailure | undefined {
    return this.#progress.failure;
  }

  get state(): SubscriptionState {
    return this.#progress.state;
  }

  /** Milliseconds until the next try. */
  get waitMs(): number {
    return this.#nextTryAt - this.options.clock.monotonic();
  }

  /** How many messages may be handled together with the next one. */
  mostFrom(position: bigint): number {
    return this.#aloneThrough !== undefined && position <= this.#aloneThrough ? 1 : this.options.following.mostAtOnce;
  }

  /** Which try of this message comes next. */
  attemptAt(followed: Followed): number {
    return this.#isAboutThe(followed) ? this.failure!.attempts + 1 : 1;
  }

  /** What is committed now. */
  advanced(position: bigint, lastMessage: bigint | undefined): void {
    this.#progress = { position, lastMessage: lastMessage ?? this.#progress.lastMessage, state: 'running', failure: undefined };
    this.#troubles = 0;
    this.#isUnreported = false;
    if (lastMessage !== undefined) this.mayBeRepeat = false;
  }

  /** The log answers. */
  async logIsWell(): Promise<void> {
    this.#behind = 0;
    if (this.failure && !this.failure.message) await this.#become('running', undefined);
    else if (this.#isUnreported) await this.report();
  }

  /** Reads again what is stored, if that is not known for sure. */
  async refresh(): Promise<void> {
    const { database, subscription, clock, random, leaseMs } = this.options;
    if (!this.#isStale) return;
    // Locked, and so behind a commit of this process that is still on its way.
    const look = (): Promise<Awaited<ReturnType<typeof database.subscriptions.find>>> =>
      database.transactions.run((tx) => database.subscriptions.find(subscription, tx));
    const found = await answeredWithin(leaseMs, clock, afterConflicts(5, look, { clock, random, signal: this.lease.signal }));
    if (found?.epoch !== this.lease.lease.epoch) throw new SubscriptionLostError(subscription, this.lease.lease.epoch);
    const { position, lastMessage } = found;
    const now = { ...this.#progress, position, lastMessage };
    this.#progress = isPassed(now) ? { position, lastMessage, state: 'running', failure: undefined } : now;
    this.#isStale = false;
  }

  /** Handling these has failed. */
  async failedAt(batch: readonly Followed[], error: unknown): Promise<void> {
    const [first, last] = [batch[0]!, batch.at(-1)!];
    this.#isStale = true;
    this.mayBeRepeat = true;
    if (isWaybillError(error, 'SUBSCRIPTION_LOST')) return this.lease.lose();
    const committed = await this.refresh().then(
      () => this.position !== undefined && this.position >= last.position,
      (unknown: unknown) => unknown,
    );
    if (committed === true) return;
    if (committed !== false) return this.trouble(committed);
    const isTogether = batch.length > 1;
    // Also after trouble: their transaction may take longer than the database lets one be.
    if (isTogether) this.#aloneThrough = last.position;
    if (isTrouble(error)) return this.trouble(error, isTogether ? undefined : first);
    if (isTogether) return;
    this.#aloneThrough = first.position;
    const attempts = this.attemptAt(first);
    const { attempts: most = DEFAULT_ATTEMPTS } = this.options.retry;
    if (isFinal(error) || attempts >= most) await this.stop(error, first, attempts);
    else await this.#wait(error, backoffMs(attempts, this.options.retry, this.options.random), { of: first, attempts });
  }

  /** The log's trouble, or the database's, or that of something outside: no try is counted. */
  async trouble(error: unknown, at?: Followed): Promise<void> {
    if (isWaybillError(error, 'SUBSCRIPTION_LOST')) return this.lease.lose();
    this.#isStale = true;
    this.caughtUp = false;
    if (isWaybillError(error, 'EVENT_LOG_BEHIND') && ++this.#behind >= BEHIND_TO_BE_BELIEVED) return this.stop(error, undefined, 0);
    const asked = isWaybillError(error, 'TARGET_UNAVAILABLE') ? Math.min(error.retryAfterMs ?? 0, AN_HOUR_MS) : 0;
    const waitMs = Math.max(asked, backoffMs(++this.#troubles, this.options.retry, this.options.random));
    // Named, though it is not to blame: whoever handles it next must know that somebody has begun with it.
    await this.#wait(error, waitMs, at && { of: at, attempts: this.attemptAt(at) - 1 });
  }

  /** A try was cut short. @returns whether that is stored, so that whoever comes next is told */
  async cutShort(batch: readonly Followed[]): Promise<boolean> {
    const first = batch[0]!;
    const error = `the process was stopped while it handled message ${contentOf(first).id}`;
    const failure = { message: failedMessage(first), attempts: this.attemptAt(first) - 1, nextTryAt: undefined, code: CUT_SHORT, error };
    this.#progress = { ...this.#progress, state: 'waiting', failure };
    this.caughtUp = false;
    return this.report();
  }

  async stop(error: unknown, at: Followed | undefined, attempts: number): Promise<void> {
    const { subscription, on } = this.options;
    const failure = this.#failureOf(error, at && { of: at, attempts }, undefined);
    this.caughtUp = false;
    await this.#become('stopped', failure);
    on({ name: 'stopped', event: { subscription, failure } });
  }

  /** A person lets it go on; or has ordered what is out of date. @returns false when that could not be stored now */
  async resume(goOn: boolean): Promise<boolean> {
    if (goOn) {
      this.#nextTryAt = -Infinity;
      this.#behind = 0;
      // All tries of its message are there again, but that somebody has begun with it stays known.
      const failure = this.failure?.message && { ...this.failure, attempts: 0, nextTryAt: undefined };
      this.#progress = { ...this.#progress, state: 'running', failure };
    }
    const stored = await this.report(true);
    if (stored) this.lease.resumed();
    return stored;
  }

  /** Stores state and failure. @returns false when that was not possible now */
  async report(resumed = false): Promise<boolean> {
    const { database, clock, leaseMs } = this.options;
    const { state, failure } = this.#progress;
    const told = { state, failure, caughtUp: this.caughtUp, head: this.head, resumed };
    try {
      await answeredWithin(leaseMs, clock, database.subscriptions.report(this.lease.lease, told));
      this.#isUnreported = false;
      return true;
    } catch (error) {
      if (isWaybillError(error, 'SUBSCRIPTION_LOST')) this.lease.lose();
      this.#isUnreported = true;
      return false;
    }
  }

  get isUnreported(): boolean {
    return this.#isUnreported;
  }

  async #wait(error: unknown, waitMs: number, about: About | undefined): Promise<void> {
    const { subscription, clock, on } = this.options;
    const failure = this.#failureOf(error, about, new Date(clock.now().getTime() + waitMs));
    this.#waitFor(waitMs);
    this.caughtUp = false;
    await this.#become('waiting', failure);
    on({ name: 'waiting', event: { subscription, failure, error } });
  }

  #waitFor(ms: number): void {
    this.#nextTryAt = this.options.clock.monotonic() + ms;
  }

  #failureOf(error: unknown, about: About | undefined, nextTryAt: Date | undefined): SubscriptionFailure {
    // Trouble does not make it forget the tries of a message that had failed before.
    const { message, attempts } = about
      ? { message: failedMessage(about.of), attempts: about.attempts }
      : { message: this.failure?.message, attempts: this.failure?.attempts ?? 0 };
    const text = error instanceof Error ? error.message : String(error);
    return { message, attempts, nextTryAt, code: codeOf(error), error: storedText(text) };
  }

  async #become(state: SubscriptionState, failure: SubscriptionFailure | undefined): Promise<void> {
    this.#progress = { ...this.#progress, state, failure };
    await this.report();
  }

  #isAboutThe(followed: Followed): boolean {
    return this.failure?.message?.position === followed.position;
  }
}

const isPassed = ({ position, failure }: SubscriptionProgress): boolean =>
  failure?.message !== undefined && position !== undefined && position >= failure.message.position;

interface About {
  readonly of: Followed;
  readonly attempts: number;
}
