import { delay } from '../clock.js';
import type { Clock } from '../clock.js';
import { backoffMs } from '../backoff.js';
import { isWaybillError, NotificationFailedError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Alarm, Finding } from './alarm.js';
import { HeldBack } from './held-back.js';
import type { Notifier } from './notifier.js';

export interface OutgoingOptions {
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly perMinute: number;
  readonly queued: number;
  readonly tries: number;
  readonly sendWithinMs: number;
  /** Makes an alarm of what this queue itself has to tell. */
  readonly raised: (finding: Finding) => Alarm;
}

/** `held-back`: it will be counted in a summary. */
export type Told = 'told' | 'held-back' | 'failed';

interface Waiting {
  readonly alarm: Alarm;
  readonly done: (told: Told) => void;
}

const MINUTE_MS = 60_000;
const LONGEST_PAUSE_MS = 5 * MINUTE_MS;
const PAUSES = { firstMs: 1_000, maxMs: MINUTE_MS };

/** The way to one notifier: a queue with an end, sent one after the other. A notifier that hangs holds up nobody but itself. */
export class Outgoing {
  readonly #options: OutgoingOptions;
  readonly #queue: Waiting[] = [];
  readonly #heldBack = new HeldBack();
  readonly #cut = new AbortController();
  /** When those of the last minute were let through. Counted here and not by a library: those have clocks of their own, and a simulation must play this one. */
  #letThroughAt: readonly number[] = [];
  #cancelSummary: (() => void) | undefined;
  #sending: Promise<void> | undefined;

  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  /** Never throws, and waits for nothing: what becomes of the alarm is answered when it is known. */
  offer(alarm: Alarm): Promise<Told> {
    // Once some are held back all are, until the summary is out: otherwise it would wait behind a stream of new ones for ever.
    if (this.#heldBack.any || this.#isFull || this.#nextRoomInMs() > 0) {
      this.#heldBack.add(alarm);
      this.#sumUpLater();
      return Promise.resolve('held-back');
    }
    return this.#letThrough(alarm);
  }

  /** Sends what is there, the summary too; resolves when nothing is left. */
  async flush(): Promise<void> {
    this.#cancelSummary?.();
    if (this.#heldBack.any) void this.#letThrough(this.#summary());
    await this.#sending;
  }

  /** Gives up what is not sent yet. */
  cut(): void {
    this.#cancelSummary?.();
    this.#cut.abort();
  }

  get #isFull(): boolean {
    return this.#queue.length >= this.#options.queued;
  }

  #nextRoomInMs(): number {
    const { clock, perMinute } = this.#options;
    const now = clock.monotonic();
    this.#letThroughAt = this.#letThroughAt.filter((at) => now - at < MINUTE_MS);
    return this.#letThroughAt.length < perMinute ? 0 : this.#letThroughAt[0]! + MINUTE_MS - now;
  }

  #sumUpLater(): void {
    if (this.#cancelSummary) return;
    const cancel = this.#options.clock.after(this.#nextRoomInMs() || MINUTE_MS, () => {
      this.#cancelSummary = undefined;
      if (this.#isFull || this.#nextRoomInMs() > 0) this.#sumUpLater();
      else void this.#letThrough(this.#summary());
    });
    this.#cancelSummary = () => {
      cancel();
      this.#cancelSummary = undefined;
    };
  }

  #summary(): Alarm {
    return this.#options.raised(this.#heldBack.takeSummary(this.#options.clock.now()));
  }

  #letThrough(alarm: Alarm): Promise<Told> {
    this.#letThroughAt = [...this.#letThroughAt, this.#options.clock.monotonic()];
    return new Promise((done) => {
      this.#queue.push({ alarm, done });
      this.#sending ??= this.#sendAll();
    });
  }

  async #sendAll(): Promise<void> {
    await Promise.resolve(); // whoever raised the alarm goes on first
    for (let next = this.#queue[0]; next; next = this.#queue[0]) {
      next.done(await this.#send(next.alarm));
      this.#queue.shift(); // only now: what is being sent takes its place in the queue
    }
    this.#sending = undefined; // in the same step as the look at the queue: nothing can come in between and be left lying
  }

  async #send(alarm: Alarm): Promise<Told> {
    const { clock, random, logger, tries } = this.#options;
    for (let failures = 1; ; failures++) {
      try {
        await this.#tryOnce(alarm);
        return 'told';
      } catch (error) {
        const failed = isWaybillError(error, 'NOTIFICATION_FAILED') ? error : undefined;
        if (failed?.final || failures >= tries || this.#cut.signal.aborted) {
          logger.error({ error, alarm }, 'An alarm could not be told to anybody by one of the notifiers');
          return 'failed';
        }
        logger.warn({ error, key: alarm.key, failures }, 'A notifier failed; it is tried again');
        const pauseMs = Math.max(backoffMs(failures, PAUSES, random), Math.min(failed?.retryAfterMs ?? 0, LONGEST_PAUSE_MS));
        await delay(clock, pauseMs, this.#cut.signal);
      }
    }
  }

  /** A notifier that does not answer in time has failed, whether it listens to its signal or not. */
  #tryOnce(alarm: Alarm): Promise<void> {
    const { clock, notifier, sendWithinMs } = this.#options;
    const over = new AbortController();
    return new Promise<void>((resolve, reject) => {
      const giveUp = (why: string): void => {
        const error = new NotificationFailedError(why);
        reject(error);
        over.abort(error);
      };
      const onCut = (): void => giveUp('the process is stopping');
      const cancel = clock.after(sendWithinMs, () => giveUp(`there was no answer within ${sendWithinMs} ms`));
      const end = (): void => {
        cancel();
        this.#cut.signal.removeEventListener('abort', onCut);
      };
      over.signal.addEventListener('abort', end, { once: true });
      if (this.#cut.signal.aborted) return onCut();
      this.#cut.signal.addEventListener('abort', onCut, { once: true });
      void (async () => notifier.notify(alarm, over.signal))().finally(end).then(resolve, reject);
    });
  }
}
