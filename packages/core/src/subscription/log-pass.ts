import { answeredWithin } from '../answered-within.js';
import { EventLogBehindError, TargetUnavailableError } from '../errors.js';
import { endOf } from './cut-short.js';
import type { LogEntry } from './event-log.js';
import type { CompleteFollowerOptions } from './follower-options.js';
import type { Followed } from './following.js';
import type { HeldLease } from './held-lease.js';
import { LogReader } from './log-reader.js';
import { stepThrough } from './step-through.js';
import type { SubscriptionRecord } from './subscription-record.js';
import { contentOf } from './troubles.js';

export interface LogPassOptions<Tx> {
  readonly options: CompleteFollowerOptions<Tx>;
  readonly lease: HeldLease;
  readonly record: SubscriptionRecord<Tx>;
  /** Aborts when no more is to be begun. */
  readonly ended: AbortSignal;
  /** Aborts when what is under way is to be cut short. */
  readonly cut: AbortSignal;
}

const LEAST_READ_AHEAD = 64;
const MOST_PASSED = 1_000;
const IDLE_MS = 1_000;
const LOOK_AT_END_EVERY_MS = 5_000;

/** One reading of the log from the stored position on, until it fails, falls silent, or something else is wanted. */
export class LogPass<Tx> {
  readonly #interrupt = new AbortController();
  readonly #wake: AbortSignal;
  readonly #working: AbortSignal;
  /** Looked at as far as here, and not stored yet. */
  #passed: { readonly position: bigint; readonly entries: number } | undefined;
  #isOver = false;
  /** By what the log said last. */
  #isAtEnd = false;
  #askedAt = -Infinity;
  #lookedAt = -Infinity;
  /** False when something was cut short, and nobody could be told. */
  mayRelease = true;

  constructor(private readonly pass: LogPassOptions<Tx>) {
    this.#wake = AbortSignal.any([pass.ended, this.#interrupt.signal]);
    this.#working = AbortSignal.any([pass.lease.signal, pass.cut]);
  }

  /** @throws what the log or the database throws, when no message is to blame */
  async run(): Promise<void> {
    void this.pass.lease.heard.next(this.#wake).then(() => this.#interrupt.abort());
    try {
      await this.#lookAtEnd();
      if (this.#goesOn()) await this.#read();
    } finally {
      this.#interrupt.abort();
    }
  }

  async #read(): Promise<void> {
    const { options, record } = this.pass;
    const { log, following, silenceMs, clock } = options;
    this.#refuseLogBehind();
    const most = Math.max(following.mostAtOnce, LEAST_READ_AHEAD);
    const reader = new LogReader({ log, after: record.position, types: following.types, most, silenceMs, clock });
    try {
      while (this.#goesOn()) {
        const entries = await reader.take(IDLE_MS, this.#wake);
        if (entries.length > 0) {
          await record.logIsWell();
          await this.#handleAll(entries);
          if (this.#goesOn() && (this.#passed?.entries ?? 0) >= MOST_PASSED) await this.#storePassed();
          if (this.#goesOn() && this.#isAtEnd && reader.isEmpty) await this.#isLive(true);
        } else if (reader.isSilent) return;
        else if (this.#goesOn()) await this.#storePassed();
        if (this.#goesOn()) await this.#tellWhenCaughtUp();
        if (this.#goesOn() && clock.monotonic() - this.#lookedAt >= LOOK_AT_END_EVERY_MS) await this.#lookAtEnd(true);
      }
    } finally {
      reader.close();
    }
  }

  #goesOn(): boolean {
    return !this.#isOver && !this.#wake.aborted && this.pass.lease.held();
  }

  async #handleAll(entries: readonly LogEntry[]): Promise<void> {
    const { record } = this.pass;
    let batch: Followed[] = [];
    const handle = async (): Promise<void> => {
      if (batch.length > 0 && this.#goesOn()) await this.#handle(batch);
      batch = [];
    };
    for (const entry of entries) {
      if (entry.kind === 'caught-up' || entry.kind === 'fell-behind') {
        await handle();
        this.#isAtEnd = entry.kind === 'caught-up';
        if (this.#goesOn()) await this.#isLive(this.#isAtEnd);
      } else if (entry.kind === 'passed' || !this.#isWanted(entry)) {
        this.#passed = { position: entry.position, entries: (this.#passed?.entries ?? 0) + 1 };
      } else {
        if (batch.length > 0 && batch.length >= Math.min(record.mostFrom(batch[0]!.position), record.mostFrom(entry.position)))
          await handle();
        batch.push(entry);
      }
      if (!this.#goesOn()) return;
    }
    await handle();
  }

  async #handle(batch: readonly Followed[]): Promise<void> {
    const { options, lease, record } = this.pass;
    const { following, database, subscription, reached, clock, on } = options;
    const { mayBeRepeat } = record;
    const step = stepThrough(batch);
    let isAdvanced = false;
    let mayTell = true;
    let told: Promise<unknown> | undefined;
    const cancel = clock.after(LOOK_AT_END_EVERY_MS, () => {
      if (mayTell && record.caughtUp) told = this.#fellBehind();
    });
    const advance = async (tx: Tx): Promise<void> => {
      mayTell = false; // from here on the transaction holds what a report writes
      await told;
      await database.subscriptions.advance(lease.lease, step, tx);
      isAdvanced = true;
    };

    await reached?.('received');
    const context = { attempt: batch.length === 1 ? record.attemptAt(batch[0]!) : 1, mayBeRepeat, signal: this.#working };
    const handled = following.handle(batch, advance, context).then(() => {
      if (!isAdvanced) throw new Error(`what follows "${subscription}" has handled messages without calling advance()`);
    });
    const ending = await endOf(handled, this.#working, clock);
    cancel();
    await told;
    if (ending.kind !== 'done') return this.#failed(batch, ending.kind === 'failed' ? ending.error : undefined);
    record.advanced(step.position, step.position);
    if (this.#passed && this.#passed.position <= step.position) this.#passed = undefined;
    on({ name: 'advanced', event: { subscription, position: step.position, messages: batch.length } });
    await reached?.('committed');
  }

  async #failed(batch: readonly Followed[], error: unknown): Promise<void> {
    const { lease, record } = this.pass;
    this.#isOver = true;
    if (!lease.held()) return; // whoever takes it over knows by that
    if (this.#working.aborted) this.mayRelease = await record.cutShort(batch);
    else await record.failedAt(batch, error);
  }

  async #isLive(caughtUp: boolean): Promise<void> {
    const { options, record } = this.pass;
    const { subscription, on } = options;
    if (caughtUp) await this.#storePassed();
    if (record.caughtUp === caughtUp) return;
    record.caughtUp = caughtUp;
    await this.#lookAtEnd(true);
    if (caughtUp) on({ name: 'caught-up', event: { subscription, position: record.position } });
    else on({ name: 'fell-behind', event: { subscription } });
  }

  /** While a message takes its time: nothing else would tell, least of all of one that never ends. */
  async #fellBehind(): Promise<void> {
    const { options, record } = this.pass;
    record.caughtUp = false;
    await record.report();
    options.on({ name: 'fell-behind', event: { subscription: options.subscription } });
  }

  async #storePassed(): Promise<void> {
    if (!this.#passed) return;
    const { options, lease, record } = this.pass;
    const { transactions, subscriptions } = options.database;
    const { position } = this.#passed;
    await transactions.run((tx) => subscriptions.advance(lease.lease, { position, messages: 0, streams: [] }, tx), this.#working);
    this.#passed = undefined;
    record.advanced(position, undefined);
  }

  async #tellWhenCaughtUp(): Promise<void> {
    const { options, record } = this.pass;
    const { whenCaughtUp, clock } = options;
    if (!whenCaughtUp || record.isDone || !record.caughtUp || clock.monotonic() - this.#askedAt < IDLE_MS) return;
    await this.#storePassed();
    this.#askedAt = clock.monotonic();
    record.isDone = (await whenCaughtUp(record.progress, this.#working)) === 'done';
  }

  async #lookAtEnd(thenReport = false): Promise<void> {
    const { options, record } = this.pass;
    const { log, silenceMs, clock } = options;
    const mute = (): Error => new TargetUnavailableError(`Log ${log.name}`, `it has not told its end for ${silenceMs} ms`);
    this.#lookedAt = clock.monotonic();
    const asked = log.last({ signal: this.#wake, reached: record.position });
    try {
      const head = await answeredWithin(silenceMs, clock, asked, mute);
      if (!this.#wake.aborted) record.head = head;
    } catch (error) {
      if (!this.#wake.aborted) throw error; // something else is wanted by now: it was not to answer
    }
    if (thenReport) await record.report();
  }

  #refuseLogBehind(): void {
    const { options, record } = this.pass;
    const { position, head } = record;
    if (position !== undefined && (head === undefined || head < position))
      throw new EventLogBehindError(options.subscription, position, head);
  }

  #isWanted(followed: Followed): boolean {
    const { types } = this.pass.options.following;
    return types === undefined || types.includes(contentOf(followed).type);
  }
}
